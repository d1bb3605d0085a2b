/// Durability of a commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// Waits for the disk: acknowledged writes survive a power cut.
    #[default]
    Full,
    /// Waits for the operating system: acknowledged writes survive the end of the process, `kill -9` included.
    ///
    /// A power cut or a crash of the machine may undo the last commits, usually those of the last seconds. The file
    /// stays consistent. A lost refresh heals when its token is presented; no user is logged out. A lost revocation is
    /// undone although it was acknowledged. An assertion whose mark was lost can be replayed while it is valid. Choose
    /// this only where that is acceptable.
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
