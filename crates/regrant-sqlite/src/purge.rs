/// Outcome of one purge step; zero rows mean that the purge has finished.
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
