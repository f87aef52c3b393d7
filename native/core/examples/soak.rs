//! Damages documents for as long as it is told, and holds what must hold: `soak SECONDS [SEED]`.
//!
//! With a folder (`soak --seeds FOLDER`) it writes whole documents there, for the fuzzer to start from.

use std::time::{Duration, Instant};

use crossfade_bson::torture::{Chance, damage, documents, hold, plan};

fn main() -> std::io::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let mut chance = Chance(0x9E37_79B9_7F4A_7C15);
    if let [flag, folder] = words.as_slice()
        && flag == "--seeds"
    {
        std::fs::create_dir_all(folder)?;
        for number in 0..200 {
            std::fs::write(format!("{folder}/{number}"), documents(&mut chance))?;
        }
        return Ok(());
    }
    let number = |at: usize| words.get(at).and_then(|word| word.parse::<u64>().ok());
    chance.0 ^= number(1).unwrap_or_default() << 20;
    let end = Instant::now() + Duration::from_secs(number(0).unwrap_or(10));
    let (mut batches, mut bytes) = (0u64, 0u64);
    while Instant::now() < end {
        let whole = documents(&mut chance);
        let plan = plan(&whole);
        hold(&plan, &whole);
        for _ in 0..50 {
            let mut batch = whole.clone();
            for _ in 0..1 + chance.below(4) {
                damage(&mut chance, &mut batch);
            }
            hold(&plan, &batch);
            batches += 1;
            bytes += batch.len() as u64;
        }
    }
    println!("{batches} damaged batches ({bytes} bytes), and all that must hold held");
    Ok(())
}
