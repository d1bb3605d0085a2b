/// What one step of a purge did. Nothing at all: it has come to the end.
#[derive(Clone, Copy)]
pub(crate) struct PurgeStep {
    pub(crate) deleted: usize,
    pub(crate) postponed: usize,
}

impl PurgeStep {
    pub(crate) fn is_last(self) -> bool {
        self.deleted == 0 && self.postponed == 0
    }
}
