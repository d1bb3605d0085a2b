//! A browser of a few lines: it keeps one cookie, and sends the form of a page.

use crate::helper::{Answer, Server, encoded};

pub(crate) struct Browser<'a> {
    server: &'a Server,
    pub(crate) cookie: Option<String>,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(server: &'a Server) -> Self {
        Self { server, cookie: None }
    }

    /// A browser of the user `demo`.
    pub(crate) fn signed_in(server: &'a Server) -> Self {
        Self { server, cookie: Some(server.sign_in()) }
    }

    pub(crate) fn get(&mut self, path: &str) -> Answer {
        let answer = self.server.get_with(path, &self.headers());
        self.keep_cookie(answer)
    }

    pub(crate) fn post(&mut self, path: &str, parameters: &[(&str, &str)]) -> Answer {
        let form = ("content-type", "application/x-www-form-urlencoded".to_owned());
        let headers = [self.headers(), vec![form]].concat();
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, &**value)).collect();
        let answer = self.server.post(path, &headers, &encoded(parameters));
        self.keep_cookie(answer)
    }

    /// Sends the form of a page with these additional fields.
    pub(crate) fn submit(&mut self, page: &Answer, typed: &[(&str, &str)]) -> Answer {
        let fields = fields(page);
        let hidden = fields.iter().map(|(name, value)| (&**name, &**value));
        self.post(&action(page), &hidden.chain(typed.iter().copied()).collect::<Vec<_>>())
    }

    /// Signs in on the page, and returns the page that follows.
    pub(crate) fn sign_in(&mut self, page: &Answer, username: &str, password: &str) -> Answer {
        let answer = self.submit(page, &[("username", username), ("password", password)]);
        assert_eq!(answer.status, 303, "{answer:?}");
        self.get(answer.header("location"))
    }

    fn headers(&self) -> Vec<(&'static str, String)> {
        let cookie = self.cookie.iter().map(|cookie| ("cookie", format!("iPlanetDirectoryPro={cookie}")));
        cookie.chain([("accept", "text/html,*/*;q=0.8".to_owned())]).collect()
    }

    fn keep_cookie(&mut self, answer: Answer) -> Answer {
        let set = answer.header("set-cookie").strip_prefix("iPlanetDirectoryPro=");
        if let Some((value, _)) = set.and_then(|set| set.split_once(';')) {
            self.cookie = Some(value.to_owned());
        }
        answer
    }
}

/// The address of the form of a page.
pub(crate) fn action(page: &Answer) -> String {
    attribute(page.body.split("<form").nth(1).unwrap_or_else(|| panic!("no form: {page:?}")), "action")
}

/// The hidden fields of a page, decoded.
pub(crate) fn fields(page: &Answer) -> Vec<(String, String)> {
    let inputs = page.body.split("<input type=\"hidden\"").skip(1);
    inputs.map(|input| (attribute(input, "name"), attribute(input, "value"))).collect()
}

/// The value of one hidden field.
pub(crate) fn field(page: &Answer, name: &str) -> String {
    let found = fields(page).into_iter().find(|(own, _)| own == name);
    found.unwrap_or_else(|| panic!("no field {name}: {page:?}")).1
}

fn attribute(html: &str, name: &str) -> String {
    let value = html.split_once(&format!("{name}=\"")).and_then(|(_, behind)| behind.split_once('"')).unwrap().0;
    let decoded = value.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
    decoded.replace("&amp;", "&")
}
