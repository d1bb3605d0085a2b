/// What a commit waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// Until the disk has it: what was acknowledged survives a power cut.
    #[default]
    Full,
    /// Until the operating system has it: what was acknowledged survives the end of the process, `kill -9` included.
    ///
    /// A power cut or a crash of the machine may take back the last commits, as a rule those of the last seconds; the file
    /// is consistent in any case. A refresh that was lost heals when its token is presented, and nobody is logged out. A
    /// revocation that was lost comes undone though it was acknowledged, and an assertion whose mark was lost can be replayed
    /// while it is valid: choose this only where that is acceptable.
    Normal,
}

impl Synchronous {
    pub(crate) const fn pragma(self) -> &'static str {
        match self {
            Self::Full => "FULL",
            Self::Normal => "NORMAL",
        }
    }
}
