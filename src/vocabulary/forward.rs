/// Implements a trait for `Arc<T>` where `T` implements the trait, so that a host can hand a port to the service and
/// keep a handle on it.
///
/// For `Clock` these are `Arc<ManualClock>`, with which a test moves the time, and `Arc<dyn Clock>`. The bound is
/// `?Sized`, so a host that chooses a port at run time needs no wrapper of its own.
///
/// Every method must be listed, those with a default body too: an omitted one would use the default of the trait
/// instead of the method of `T`.
macro_rules! forward_to_arc {
    ($trait:ident {
        $(async fn $async:ident(&self $(, $async_arg:ident: $async_type:ty)*) $(-> $async_return:ty)?;)*
        $(fn $sync:ident(&self $(, $arg:ident: $type:ty)*) $(-> $return:ty)?;)*
    }) => {
        #[async_trait::async_trait]
        impl<T: $trait + ?Sized> $trait for std::sync::Arc<T> {
            $(
                async fn $async(&self $(, $async_arg: $async_type)*) $(-> $async_return)? {
                    (**self).$async($($async_arg),*).await
                }
            )*
            $(
                fn $sync(&self $(, $arg: $type)*) $(-> $return)? {
                    (**self).$sync($($arg),*)
                }
            )*
        }
    };
}
pub(crate) use forward_to_arc;
