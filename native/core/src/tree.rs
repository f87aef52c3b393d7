//! The fields of a list's elements that the columns need, and how they are found in one pass over an element.

use crate::raw::*;
use crate::rule::NOWHERE;

/// The paths of some columns as a tree of names; the element itself is the first branch.
#[derive(Debug, Default)]
pub struct Tree {
    branches: Vec<Branch>,
    pub slots: usize,
}

#[derive(Debug)]
struct Branch {
    slot: u32,
    /// By name.
    fields: Vec<(Box<[u8]>, usize)>,
}

impl Branch {
    fn new() -> Branch {
        Branch { slot: NOWHERE, fields: Vec::new() }
    }
}

impl Tree {
    pub fn new() -> Tree {
        Tree { branches: vec![Branch::new()], slots: 0 }
    }

    /// The slot in which `find` leaves the value at this path.
    pub fn slot(&mut self, path: &[String]) -> usize {
        let mut at = 0;
        for name in path {
            at = self.below(at, name.as_bytes());
        }
        let branch = &mut self.branches[at];
        if branch.slot == NOWHERE {
            branch.slot = self.slots as u32;
            self.slots += 1;
        }
        branch.slot as usize
    }

    fn below(&mut self, at: usize, name: &[u8]) -> usize {
        let count = self.branches.len();
        let fields = &mut self.branches[at].fields;
        match fields.binary_search_by(|(known, _)| (**known).cmp(name)) {
            Ok(found) => fields[found].1,
            Err(place) => {
                fields.insert(place, (name.into(), count));
                self.branches.push(Branch::new());
                count
            }
        }
    }

    /// Puts the values of an element into their slots, None if there is none.
    pub fn find<'a>(&self, value: Value<'a>, slots: &mut [Option<Value<'a>>]) {
        slots.fill(None);
        self.find_below(0, value, slots);
    }

    fn find_below<'a>(&self, at: usize, value: Value<'a>, slots: &mut [Option<Value<'a>>]) {
        let branch = &self.branches[at];
        if let Some(slot) = slots.get_mut(branch.slot as usize) {
            *slot = Some(value);
        }
        if branch.fields.is_empty() || value.tag != OBJECT {
            return;
        }
        let mut left = branch.fields.len();
        for (name, child) in value.fields() {
            if let Ok(found) = branch.fields.binary_search_by(|(known, _)| (**known).cmp(name)) {
                self.find_below(branch.fields[found].1, child, slots);
                left -= 1;
                if left == 0 {
                    return;
                }
            }
        }
    }
}
