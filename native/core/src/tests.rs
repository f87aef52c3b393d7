//! Tests of each module by examples, without Python. `tests/native/` compares all of it with the reader in Python.

use std::cmp::Ordering;

use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, Int32Array, StringArray};

use crate::cut::{Cut, rest};
use crate::decimal::Decimal;
use crate::path::{Step, format_path};
use crate::raw::*;
use crate::spec::StepSpec;
use crate::texts::{Spelling, canonical, plain};
use crate::walk::{Fault, MAX_DEPTH};
use crate::{count, digests, double, key_of, split, walk, wire};

/// A document of fields that are ready: tag, name, bytes of the value.
fn document(fields: &[(u8, &str, Vec<u8>)]) -> Vec<u8> {
    let mut out = vec![0; 4];
    for (tag, name, data) in fields {
        out.push(*tag);
        out.extend_from_slice(name.as_bytes());
        out.push(0);
        out.extend_from_slice(data);
    }
    out.push(0);
    let length = (out.len() as i32).to_le_bytes();
    out[..4].copy_from_slice(&length);
    out
}

fn int(value: i32) -> Vec<u8> {
    value.to_le_bytes().to_vec()
}

fn string(value: &str) -> Vec<u8> {
    let mut out = ((value.len() + 1) as i32).to_le_bytes().to_vec();
    out.extend_from_slice(value.as_bytes());
    out.push(0);
    out
}

fn text_of(write: impl Fn(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8(out).unwrap_or_default()
}

fn fault_of(raw: &[u8]) -> Option<(Fault, String)> {
    walk(raw).err().map(|found| (found.fault, format_path(&found.path())))
}

mod documents {
    use super::*;

    #[test]
    fn a_batch_is_split_where_its_documents_say() {
        let (one, two) = (document(&[(INT, "_id", int(1))]), document(&[(INT, "_id", int(2)), (NULL, "x", vec![])]));
        let batch = [one.clone(), two.clone()].concat();
        assert_eq!(split(&batch).collect::<Vec<_>>(), [&one[..], &two[..]]);
    }

    #[test]
    fn a_length_that_cannot_be_takes_the_rest() {
        for said in [0i32, 4, -1, i32::MAX] {
            let batch = [document(&[(INT, "_id", int(1))]), said.to_le_bytes().to_vec(), vec![7; 9]].concat();
            let pieces: Vec<_> = split(&batch).map(<[u8]>::len).collect();
            assert_eq!(pieces, [14, 13], "{said}");
        }
    }

    #[test]
    fn a_whole_document_has_no_fault() {
        let inner = document(&[(STRING, "a", string("\u{e9}"))]);
        assert_eq!(fault_of(&document(&[(INT, "_id", int(1)), (OBJECT, "o", inner)])), None);
    }

    #[test]
    fn a_fault_is_told_with_its_place() {
        let bad = document(&[(BOOL, "b", vec![2])]);
        let found = fault_of(&document(&[(INT, "_id", int(1)), (OBJECT, "o", bad)]));
        assert_eq!(found, Some((Fault::Bool(2), "o.b".into())));
    }

    #[test]
    fn what_is_cut_off_anywhere_is_at_fault() {
        let whole = document(&[(INT, "_id", int(1)), (STRING, "s", string("text")), (DATE, "d", vec![0; 8])]);
        for end in 0..whole.len() {
            assert!(walk(&whole[..end]).is_err(), "cut at {end}");
        }
        assert!(walk(&whole).is_ok());
    }

    #[test]
    fn a_name_that_is_there_twice_is_a_duplicate() {
        let twice = document(&[(INT, "_id", int(1)), (INT, "a", int(1)), (INT, "a", int(2))]);
        assert_eq!(fault_of(&twice), Some((Fault::Duplicate, "a".into())));
    }

    #[test]
    fn depth_has_a_limit() {
        let nested = |depth: u32| (0..depth).fold(document(&[]), |inner, _| document(&[(OBJECT, "o", inner)]));
        let within = document(&[(INT, "_id", int(1)), (OBJECT, "o", nested(MAX_DEPTH - 2))]);
        let beyond = document(&[(INT, "_id", int(1)), (OBJECT, "o", nested(MAX_DEPTH))]);
        assert!(walk(&within).is_ok());
        assert_eq!(fault_of(&beyond).map(|(fault, _)| fault), Some(Fault::Depth));
    }

    #[test]
    fn a_key_is_read_from_a_document_that_is_broken_behind_it() {
        let broken = document(&[(INT, "_id", int(7)), (BOOL, "b", vec![9])]);
        assert_eq!(key_of(&broken).as_deref(), Some(r#"{"$numberInt":"7"}"#));
        assert_eq!(key_of(&document(&[(INT, "a", int(7))])), None);
    }

    #[test]
    fn the_survey_counts_types_by_place() {
        let batch = [
            document(&[(INT, "_id", int(1)), (INT, "n", int(5))]),
            document(&[(INT, "_id", int(2)), (STRING, "n", string("5"))]),
            document(&[(INT, "_id", int(3)), (BOOL, "b", vec![2])]),
        ]
        .concat();
        let Ok(counted) = count(&batch) else { unreachable!("nothing in it is too large") };
        let n = counted.places.iter().find(|place| place.name == Some(b"n"));
        let mut kinds: Vec<_> =
            n.into_iter().flat_map(|place| &place.kinds).map(|kind| (kind.name.as_str(), kind.count)).collect();
        kinds.sort_unstable();
        assert_eq!(kinds, [("int", 1), ("string", 1)]);
        assert_eq!(counted.problems, [("broken", Some(r#"{"$numberInt":"3"}"#.into()))]);
    }

    #[test]
    fn digests_know_the_order_of_fields_where_asked() {
        let ab = document(&[(INT, "_id", int(1)), (INT, "a", int(1)), (INT, "b", int(2))]);
        let ba = document(&[(INT, "_id", int(1)), (INT, "b", int(2)), (INT, "a", int(1))]);
        assert_eq!(digests(&ab, false), digests(&ba, false));
        assert_ne!(digests(&ab, true), digests(&ba, true));
        assert_eq!(digests(&ab[..9], true).1, [0]);
    }
}

mod texts {
    use super::*;

    #[test]
    fn doubles_are_written_as_python_writes_them() {
        let cases = [
            (1e16, "1e+16"),
            (0.00001, "1e-05"),
            (0.000_012_5, "1.25e-05"),
            (0.0001, "0.0001"),
            (-0.1, "-0.1"),
            (5e-324, "5e-324"),
            (123_456_789.0, "123456789.0"),
        ];
        for (value, text) in cases {
            assert_eq!(text_of(|out| double::repr(value, out)), text);
        }
    }

    #[test]
    fn doubles_in_json_take_the_plus_that_is_asked_for() {
        assert_eq!(text_of(|out| double::json(1e16, true, out)), "1e+16");
        assert_eq!(text_of(|out| double::json(1e16, false, out)), "1e16");
        assert_eq!(text_of(|out| double::json(1e-6, true, out)), "1e-6");
    }

    #[test]
    fn canonical_text_keeps_types_apart_that_plain_text_does_not() {
        let long = Value { tag: LONG, data: &5i64.to_le_bytes() };
        let small = Value { tag: INT, data: &5i32.to_le_bytes() };
        assert_eq!(text_of(|out| canonical(long, out)), r#"{"$numberLong":"5"}"#);
        assert_eq!(text_of(|out| canonical(small, out)), r#"{"$numberInt":"5"}"#);
        assert_eq!(text_of(|out| plain(long, Spelling::default(), out)), "5");
    }

    #[test]
    fn dates_outside_of_four_digits_stay_canonical() {
        let date =
            |ms: i64| text_of(|out| plain(Value { tag: DATE, data: &ms.to_le_bytes() }, Spelling::default(), out));
        assert!(date(0).starts_with("\"1970-01-01T00:00:00"));
        assert_eq!(date(i64::MAX), r#"{"$date":{"$numberLong":"9223372036854775807"}}"#);
    }

    #[test]
    fn names_in_paths_are_quoted_where_they_must_be() {
        let path = [Step::named(b"a.b"), Step::Element, Step::Entry, Step::named(b"x\"y"), Step::named(b"")];
        assert_eq!(format_path(&path), r#""a.b"[].{}."x""y"."""#);
        assert_eq!(format_path(&[]), ".");
    }

    #[test]
    fn what_is_cut_away_takes_an_object_with_it_that_it_empties() {
        let raw = document(&[(OBJECT, "o", document(&[(INT, "a", int(1))])), (OBJECT, "e", document(&[]))]);
        let name = |text: &str| StepSpec::Name(text.into());
        let left = |paths: &[Vec<StepSpec>]| {
            text_of(|out| {
                rest(Value::document(&raw), &Cut::of(paths), Spelling::default(), out);
            })
        };
        assert_eq!(left(&[]), r#"{"o":{"a":1},"e":{}}"#);
        assert_eq!(left(&[vec![name("o"), name("a")]]), r#"{"e":{}}"#);
        assert_eq!(left(&[vec![name("o")], vec![name("e")]]), "");
    }
}

mod decimals {
    use super::*;

    /// Encodes digits and exponent as in the standard.
    fn packed(negative: bool, digits: u128, exponent: i64) -> Vec<u8> {
        let high = (u64::from(negative) << 63) | (((exponent + 6176) as u64) << 49) | (digits >> 64) as u64;
        [(digits as u64).to_le_bytes(), high.to_le_bytes()].concat()
    }

    fn said(data: &[u8]) -> String {
        text_of(|out| Decimal::of(data).write(out))
    }

    #[test]
    fn are_written_as_the_specification_says() {
        let cases = [
            ((false, 123, 0), "123"),
            ((true, 123, -2), "-1.23"),
            ((false, 5, -6), "0.000005"),
            ((false, 5, -7), "5E-7"),
            ((false, 12, 3), "1.2E+4"),
            ((false, 0, 2), "0E+2"),
            ((true, 0, 0), "-0"),
            ((false, 10u128.pow(34) - 1, 6111), "9.999999999999999999999999999999999E+6144"),
        ];
        for ((negative, digits, exponent), text) in cases {
            assert_eq!(said(&packed(negative, digits, exponent)), text);
        }
    }

    #[test]
    fn digits_beyond_the_limit_stand_for_zero() {
        assert_eq!(said(&packed(false, 10u128.pow(34), 0)), "0");
    }

    #[test]
    fn are_ordered_by_value() {
        let of = |negative, digits, exponent| Decimal::of(&packed(negative, digits, exponent));
        assert_eq!(of(false, 1, 1).order(&of(false, 9, 0)), Ordering::Greater);
        assert_eq!(of(true, 1, 1).order(&of(true, 9, 0)), Ordering::Less);
        assert_eq!(of(false, 1, 6000).order(&of(false, 2, -6000)), Ordering::Greater);
        assert_eq!(Decimal::NaN.order(&Decimal::Infinite { negative: true }), Ordering::Less);
        assert_ne!(of(false, 10, 0).order(&of(false, 1, 1)), Ordering::Equal, "equal values go by their text");
    }
}

mod wires {
    use std::sync::Arc;

    use super::*;

    fn bytes_of(values: ArrayRef, kind: &str) -> Vec<Option<Vec<u8>>> {
        let Ok(made) = wire(&*values, kind, None) else { return vec![] };
        made.as_binary::<i32>().iter().map(|value| value.map(<[u8]>::to_vec)).collect()
    }

    fn numeric(text: &str) -> Vec<u16> {
        let made = bytes_of(Arc::new(StringArray::from(vec![text])), "numeric");
        let bytes = made.into_iter().next().flatten().unwrap_or_default();
        bytes.chunks(2).map(|two| u16::from_be_bytes([two[0], two[1]])).collect()
    }

    #[test]
    fn integers_are_big_endian_and_nulls_stay() {
        let made = bytes_of(Arc::new(Int32Array::from(vec![Some(258), None])), "int4");
        assert_eq!(made, [Some(vec![0, 0, 1, 2]), None]);
    }

    #[test]
    fn numerics_are_groups_of_four_digits() {
        assert_eq!(numeric("12345.678"), [3, 1, 0, 3, 1, 2345, 6780]);
        assert_eq!(numeric("-0.0001"), [1, 0xFFFF, 0x4000, 4, 1]);
        assert_eq!(numeric("0.00"), [0, 0, 0, 2]);
        assert_eq!(numeric("10000"), [1, 1, 0, 0, 1]);
        assert_eq!(numeric("NaN"), [0, 0, 0xC000, 0]);
    }

    #[test]
    fn what_is_no_number_is_left_to_the_oracle() {
        for text in ["", "1e5", "abc", ".5", "1..2", "--1"] {
            let column: ArrayRef = Arc::new(StringArray::from(vec![text]));
            assert!(wire(&*column, "numeric", None).is_err(), "{text:?}");
        }
    }

    #[test]
    fn another_type_than_the_kind_is_left_to_the_oracle() {
        let column: ArrayRef = Arc::new(StringArray::from(vec!["1"]));
        assert!(wire(&*column, "int4", None).is_err());
    }
}
