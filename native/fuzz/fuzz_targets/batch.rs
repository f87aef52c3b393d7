//! Any bytes as a batch, against a plan with every type and every form.

#![no_main]

use std::sync::LazyLock;

use crossfade_bson::Plan;
use crossfade_bson::torture::{Chance, documents, hold, plan};
use libfuzzer_sys::fuzz_target;

static PLAN: LazyLock<Plan> = LazyLock::new(|| {
    let mut chance = Chance(7);
    plan(&(0..12).flat_map(|_| documents(&mut chance)).collect::<Vec<u8>>())
});

fuzz_target!(|batch: &[u8]| hold(&PLAN, batch));
