//! The client's side: the tokens of each grant.

/// The tokens of one grant, ready for the next calls.
#[derive(Clone, Default)]
pub(crate) struct Session {
    pub(crate) refresh: String,
    pub(crate) access: String,
    /// A token that is no longer, or never was, the current one.
    pub(crate) other: String,
    pub(crate) form: Vec<u8>,
}

impl Session {
    /// Takes the tokens of an answer.
    pub(crate) fn take(&mut self, refresh: &str, access: &str) {
        copy(&mut self.refresh, refresh);
        copy(&mut self.access, access);
    }

    /// Writes a form that ends with the token.
    pub(crate) fn write_form(&mut self, before: &str, token: &str) {
        self.form.clear();
        self.form.extend_from_slice(before.as_bytes());
        if token.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')) {
            self.form.extend_from_slice(token.as_bytes());
        } else {
            self.form.extend(form_urlencoded::byte_serialize(token.as_bytes()).flat_map(str::bytes));
        }
    }
}

/// All grants, and the sessions of those that the next calls are for.
#[derive(Default)]
pub(crate) struct Sessions {
    stored: Vec<(String, String)>,
    pub(crate) slots: Vec<Session>,
}

impl Sessions {
    pub(crate) fn push(&mut self, refresh: &str, access: &str) {
        self.stored.push((refresh.to_owned(), access.to_owned()));
    }

    pub(crate) fn load(&mut self, places: &[usize]) {
        self.slots.resize_with(self.slots.len().max(places.len()), Session::default);
        for (slot, place) in self.slots.iter_mut().zip(places) {
            let (refresh, access) = &self.stored[*place];
            slot.take(refresh, access);
        }
    }

    pub(crate) fn save(&mut self, places: &[usize]) {
        for (slot, place) in self.slots.iter().zip(places) {
            let (refresh, access) = &mut self.stored[*place];
            copy(refresh, &slot.refresh);
            copy(access, &slot.access);
        }
    }

    /// Heap bytes of the client's side.
    pub(crate) fn bytes(&self) -> usize {
        let tokens = self.stored.iter().map(|(refresh, access)| refresh.capacity() + access.capacity());
        let slots = self.slots.iter().map(|Session { refresh, access, other, form }| {
            refresh.capacity() + access.capacity() + other.capacity() + form.capacity()
        });
        let tables =
            self.stored.capacity() * size_of::<(String, String)>() + self.slots.capacity() * size_of::<Session>();
        tokens.chain(slots).sum::<usize>() + tables
    }
}

fn copy(to: &mut String, from: &str) {
    to.clear();
    to.push_str(from);
}

/// Finds one string of the JSON answers of one subject. They are alike, so its place is mostly known.
pub(crate) struct JsonString {
    name: &'static [u8],
    begin: usize,
    length: usize,
}

impl JsonString {
    /// `name` with its quotes, the colon and the quote of the value.
    pub(crate) const fn after(name: &'static str) -> Self {
        Self { name: name.as_bytes(), begin: 0, length: 0 }
    }

    pub(crate) fn find<'a>(&mut self, json: &'a [u8]) -> &'a str {
        let begin = self.begin;
        let is_known = json.get(begin.saturating_sub(self.name.len())..begin) == Some(self.name)
            && json.get(begin + self.length) == Some(&b'"');
        if !is_known {
            let found = json.windows(self.name.len()).position(|part| part == self.name);
            self.begin = found.expect("the answer has the token") + self.name.len();
            self.length = json[self.begin..].iter().position(|byte| *byte == b'"').expect("the string ends");
        }
        std::str::from_utf8(&json[self.begin..self.begin + self.length]).expect("text")
    }
}
