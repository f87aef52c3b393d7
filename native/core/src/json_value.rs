//! JSON text as a value of BSON: whole numbers as int or long, other numbers as double, where nothing is lost.
//!
//! The reference is records/bson/ejson_loads.py with encode.py. Of the values of Extended JSON only the usual ones are
//! read; for all others, for numbers that are rounded, names that occur twice, and whatever else is unusual, the result
//! is `Unready`.

use crate::double;
use crate::elements::{Done, head, nested, text};
use crate::wire::Unready;

const MOST_DEPTH: usize = 90;

/// Writes the element of this name that the text says.
pub fn element(json: &[u8], name: &[u8], out: &mut Vec<u8>) -> Done<()> {
    let mut parser = Parser { json, at: 0 };
    parser.value(name, out, 0)?;
    parser.blanks();
    if parser.at == json.len() { Ok(()) } else { Err(Unready) }
}

struct Parser<'a> {
    json: &'a [u8],
    at: usize,
}

impl Parser<'_> {
    fn blanks(&mut self) {
        while matches!(self.json.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// The next byte that is no blank.
    fn next(&mut self) -> Done<u8> {
        self.blanks();
        self.json.get(self.at).copied().ok_or(Unready)
    }

    fn take(&mut self, wanted: &[u8]) -> Done<()> {
        self.blanks();
        if !self.json[self.at..].starts_with(wanted) {
            return Err(Unready);
        }
        self.at += wanted.len();
        Ok(())
    }

    fn value(&mut self, name: &[u8], out: &mut Vec<u8>, depth: usize) -> Done<()> {
        if depth > MOST_DEPTH {
            return Err(Unready);
        }
        match self.next()? {
            b'{' => self.object(name, out, depth),
            b'[' => self.list(name, out, depth),
            b'"' => {
                let found = self.string()?;
                head(out, 0x02, name);
                text(out, &found)
            }
            b't' => self.word(b"true", 0x08, &[1], name, out),
            b'f' => self.word(b"false", 0x08, &[0], name, out),
            b'n' => self.word(b"null", 0x0a, &[], name, out),
            _ => self.number(name, out),
        }
    }

    fn word(&mut self, word: &[u8], kind: u8, value: &[u8], name: &[u8], out: &mut Vec<u8>) -> Done<()> {
        self.take(word)?;
        head(out, kind, name);
        out.extend_from_slice(value);
        Ok(())
    }

    fn object(&mut self, name: &[u8], out: &mut Vec<u8>, depth: usize) -> Done<()> {
        self.take(b"{")?;
        if self.next()? == b'}' {
            self.at += 1;
            head(out, 0x03, name);
            return nested(out, |_| Ok(()));
        }
        let first = self.string()?;
        if first.first() == Some(&b'$') {
            return self.extended(&first, name, out);
        }
        head(out, 0x03, name);
        nested(out, |out| self.fields(first, out, depth))
    }

    fn fields(&mut self, first: Vec<u8>, out: &mut Vec<u8>, depth: usize) -> Done<()> {
        let mut names = vec![first];
        while let Some(name) = names.last() {
            if name.first() == Some(&b'$') || name.contains(&0) {
                return Err(Unready);
            }
            self.take(b":")?;
            let name = name.clone();
            self.value(&name, out, depth + 1)?;
            if self.next()? == b'}' {
                self.at += 1;
                break;
            }
            self.take(b",")?;
            self.next()?;
            names.push(self.string()?);
        }
        if has_twice(&mut names) { Err(Unready) } else { Ok(()) }
    }

    /// A value that is an object with one name, which was read.
    fn extended(&mut self, kind: &[u8], name: &[u8], out: &mut Vec<u8>) -> Done<()> {
        self.take(b":")?;
        match kind {
            b"$numberInt" => {
                let number: i32 = whole(&self.quoted()?)?;
                head(out, 0x10, name);
                out.extend_from_slice(&number.to_le_bytes());
            }
            b"$numberLong" => self.long(0x12, name, out)?,
            b"$numberDouble" => {
                let found = exact(&self.quoted()?)?;
                head(out, 0x01, name);
                out.extend_from_slice(&found.to_le_bytes());
            }
            b"$oid" => {
                let id = hexadecimal(&self.quoted()?)?;
                head(out, 0x07, name);
                out.extend_from_slice(&id);
            }
            b"$date" => {
                self.take(b"{")?;
                self.next()?;
                if self.string()? != b"$numberLong" {
                    return Err(Unready);
                }
                self.take(b":")?;
                self.long(0x09, name, out)?;
                self.take(b"}")?;
            }
            _ => return Err(Unready),
        }
        self.take(b"}")
    }

    fn long(&mut self, kind: u8, name: &[u8], out: &mut Vec<u8>) -> Done<()> {
        let number: i64 = whole(&self.quoted()?)?;
        head(out, kind, name);
        out.extend_from_slice(&number.to_le_bytes());
        Ok(())
    }

    fn quoted(&mut self) -> Done<Vec<u8>> {
        self.next()?;
        self.string()
    }

    fn list(&mut self, name: &[u8], out: &mut Vec<u8>, depth: usize) -> Done<()> {
        self.take(b"[")?;
        head(out, 0x04, name);
        nested(out, |out| {
            if self.next()? == b']' {
                self.at += 1;
                return Ok(());
            }
            let mut index = itoa::Buffer::new();
            for number in 0_u64.. {
                self.value(index.format(number).as_bytes(), out, depth + 1)?;
                if self.next()? == b']' {
                    self.at += 1;
                    break;
                }
                self.take(b",")?;
            }
            Ok(())
        })
    }

    /// A text in quotes, which begins here, without its escapes.
    fn string(&mut self) -> Done<Vec<u8>> {
        if self.json.get(self.at) != Some(&b'"') {
            return Err(Unready);
        }
        self.at += 1;
        let mut found = Vec::new();
        loop {
            let rest = &self.json[self.at..];
            let length = rest.iter().position(|b| matches!(b, b'"' | b'\\' | 0..0x20)).ok_or(Unready)?;
            found.extend_from_slice(&rest[..length]);
            self.at += length + 1;
            match rest[length] {
                b'"' => return Ok(found),
                b'\\' => self.escape(&mut found)?,
                _ => return Err(Unready),
            }
        }
    }

    fn escape(&mut self, found: &mut Vec<u8>) -> Done<()> {
        let byte = *self.json.get(self.at).ok_or(Unready)?;
        self.at += 1;
        found.push(match byte {
            b'"' | b'\\' | b'/' => byte,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => return self.character(found),
            _ => return Err(Unready),
        });
        Ok(())
    }

    fn character(&mut self, found: &mut Vec<u8>) -> Done<()> {
        let mut code = self.four_digits()?;
        if (0xd800..0xdc00).contains(&code) {
            if !self.json[self.at..].starts_with(b"\\u") {
                return Err(Unready);
            }
            self.at += 2;
            let low = self.four_digits()?;
            if !(0xdc00..0xe000).contains(&low) {
                return Err(Unready);
            }
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        }
        let character = char::from_u32(code).ok_or(Unready)?;
        found.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }

    fn four_digits(&mut self) -> Done<u32> {
        let digits = self.json.get(self.at..self.at + 4).ok_or(Unready)?;
        self.at += 4;
        digits.iter().try_fold(0, |sum, byte| Some(sum * 16 + (*byte as char).to_digit(16)?)).ok_or(Unready)
    }

    fn number(&mut self, name: &[u8], out: &mut Vec<u8>) -> Done<()> {
        let rest = &self.json[self.at..];
        let length = rest.iter().position(|b| !matches!(b, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'));
        let digits = &rest[..length.unwrap_or(rest.len())];
        self.at += digits.len();
        if !is_number(digits) {
            return Err(Unready);
        }
        if digits.iter().any(|b| matches!(b, b'.' | b'e' | b'E')) {
            let found = exact(digits)?;
            head(out, 0x01, name);
            out.extend_from_slice(&found.to_le_bytes());
            return Ok(());
        }
        let found: i64 = whole(digits)?;
        if let Ok(small) = i32::try_from(found) {
            head(out, 0x10, name);
            out.extend_from_slice(&small.to_le_bytes());
        } else {
            head(out, 0x12, name);
            out.extend_from_slice(&found.to_le_bytes());
        }
        Ok(())
    }
}

fn has_twice(names: &mut [Vec<u8>]) -> bool {
    names.sort_unstable();
    names.windows(2).any(|pair| pair[0] == pair[1])
}

/// Whether JSON allows it: no plus in front, no zeros in front, digits around the point.
fn is_number(digits: &[u8]) -> bool {
    let rest = digits.strip_prefix(b"-").unwrap_or(digits);
    let count = |from: &[u8]| from.iter().take_while(|b| b.is_ascii_digit()).count();
    let whole = count(rest);
    if whole == 0 || (whole > 1 && rest[0] == b'0') {
        return false;
    }
    let mut rest = &rest[whole..];
    if let Some(fraction) = rest.strip_prefix(b".") {
        let length = count(fraction);
        if length == 0 {
            return false;
        }
        rest = &fraction[length..];
    }
    let Some(exponent) = rest.strip_prefix(b"e").or_else(|| rest.strip_prefix(b"E")) else { return rest.is_empty() };
    let exponent = exponent.strip_prefix(b"-").or_else(|| exponent.strip_prefix(b"+")).unwrap_or(exponent);
    !exponent.is_empty() && count(exponent) == exponent.len()
}

fn whole<T: std::str::FromStr>(digits: &[u8]) -> Done<T> {
    if digits.first() == Some(&b'+') {
        return Err(Unready);
    }
    std::str::from_utf8(digits).ok().and_then(|text| text.parse().ok()).ok_or(Unready)
}

/// The double whose shortest digits these are, or these with zeros at their end.
fn exact(digits: &[u8]) -> Done<f64> {
    if !is_number(digits) {
        return Err(Unready);
    }
    let text = std::str::from_utf8(digits).map_err(|_| Unready)?;
    let found: f64 = text.parse().map_err(|_| Unready)?;
    if !found.is_finite() {
        return Err(Unready);
    }
    let mut shortest = Vec::new();
    double::repr(found, &mut shortest);
    if shortest == digits || significant(&shortest) == significant(digits) { Ok(found) } else { Err(Unready) }
}

/// Sign, digits without zeros at both ends, and the power of ten of the last of them.
fn significant(digits: &[u8]) -> Option<(bool, Vec<u8>, i64)> {
    let (negative, rest) = digits.strip_prefix(b"-").map_or((false, digits), |rest| (true, rest));
    let end = rest.iter().position(|b| matches!(b, b'e' | b'E')).unwrap_or(rest.len());
    let mut power: i64 = match rest.get(end + 1..) {
        Some(exponent) => std::str::from_utf8(exponent).ok()?.parse().ok()?,
        None => 0,
    };
    let mantissa = &rest[..end];
    let point = mantissa.iter().position(|b| *b == b'.').unwrap_or(mantissa.len());
    let mut found: Vec<u8> = mantissa.iter().copied().filter(u8::is_ascii_digit).collect();
    power -= i64::try_from(mantissa.len().saturating_sub(point + 1)).ok()?;
    while found.last() == Some(&b'0') {
        found.pop();
        power += 1;
    }
    let zeros = found.iter().take_while(|b| **b == b'0').count();
    found.drain(..zeros);
    if found.is_empty() {
        power = 0;
    }
    Some((negative, found, power))
}

fn hexadecimal(digits: &[u8]) -> Done<[u8; 12]> {
    let mut found = [0; 12];
    if digits.len() != 24 {
        return Err(Unready);
    }
    for (byte, pair) in found.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |at: usize| (pair[at] as char).to_digit(16).ok_or(Unready);
        *byte = u8::try_from(digit(0)? * 16 + digit(1)?).map_err(|_| Unready)?;
    }
    Ok(found)
}
