//! Places in documents, formatted like model/shape.format_path.

/// One step from a place to a place below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Element,
    Entry,
    Name(String),
}

impl Step {
    pub fn named(name: &[u8]) -> Step {
        Step::Name(String::from_utf8_lossy(name).into_owned())
    }
}

/// `profile.firstName`, `students[].student`, `usage.{}.n`, `settings."a.b"`; the root is `.`.
pub fn format_path(path: &[Step]) -> String {
    let mut out = String::new();
    for step in path {
        match step {
            Step::Element => out.push_str("[]"),
            Step::Entry => {
                if !out.is_empty() {
                    out.push('.');
                }
                out.push_str("{}");
            }
            Step::Name(name) => {
                if !out.is_empty() {
                    out.push('.');
                }
                push_name(name, &mut out);
            }
        }
    }
    if out.is_empty() { ".".into() } else { out }
}

fn push_name(name: &str, out: &mut String) {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '$' | '-');
    if !name.is_empty() && name.chars().all(plain) {
        out.push_str(name);
    } else {
        out.push('"');
        out.push_str(&name.replace('"', "\"\""));
        out.push('"');
    }
}
