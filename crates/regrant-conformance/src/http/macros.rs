/// Makes one named test of each HTTP case, for the adapter of an [`HttpHarness`](crate::http::HttpHarness).
///
/// ```
/// regrant_conformance::http_tests!(regrant_conformance::http::Direct, without: {
///     not_http: "there is no server that could refuse what is not HTTP",
/// });
/// ```
///
/// The tests stand in a module `http`, in groups as [`cases`](crate::http::cases) has them. A group that an adapter has no
/// part in is left out with a reason, and its tests are shown as ignored, with that reason.
#[macro_export]
macro_rules! http_tests {
    ($harness:expr) => {
        $crate::http_tests!($harness, without: {});
    };
    ($harness:expr, without: { $($group:ident: $reason:literal),* $(,)? }) => {
        $crate::__http_tests!(($) $harness, $($group $reason)*);
    };
}

/// `$d` is a dollar sign: the inner macro has variables of its own.
#[doc(hidden)]
#[macro_export]
macro_rules! __http_tests {
    (($d:tt) $harness:expr, $($left_out:ident $reason:literal)*) => {
        #[cfg(test)]
        mod http {
            macro_rules! group {
                $(($left_out: $d($d case:ident)*) => {
                    mod $left_out {
                        $d(#[test] #[ignore = $reason] fn $d case() {})*
                    }
                };)*
                ($d group:ident: $d($d case:ident)*) => {
                    mod $d group {
                        #[allow(unused_imports, reason = "the harness may be named by its full path")]
                        use super::super::*;

                        $d(#[test] fn $d case() {
                            let (group, case) = (stringify!($d group), stringify!($d case));
                            $crate::run::case($crate::http::judge_by_name(&$harness, group, case));
                        })*
                    }
                };
            }

            $crate::__http_cases!(group);
        }
    };
}
