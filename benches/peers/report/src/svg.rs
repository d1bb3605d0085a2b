//! A small SVG writer: lines over two logarithmic axes, and bars.
//!
//! The background is transparent, and text and lines are mid-tones: they are legible on light and on dark pages. Series
//! differ by their marks too, not by colour alone. Title and description are the text alternative.

use std::fmt::Write as _;

use crate::rows::digits;

pub(crate) struct Plot {
    pub(crate) title: &'static str,
    pub(crate) x: &'static str,
    pub(crate) y: &'static str,
    pub(crate) shape: Shape,
    pub(crate) series: Vec<Series>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Lines,
    Bars,
}

pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
}

const TEXT: &str = "#768390";
const COLOURS: [&str; 4] = ["#3a87d0", "#d07a2d", "#3f9b5c", "#b0609e"];
const WIDTH: f64 = 640.0;
/// Room for the labels beside a plot.
const LEFT: f64 = 70.0;
const RIGHT: f64 = 130.0;
const TOP: f64 = 60.0;
const HEIGHT: f64 = 240.0;
const BAR: f64 = 26.0;

impl Plot {
    pub(crate) fn draw(&self) -> String {
        let (body, height) = match self.shape {
            Shape::Lines => (self.lines(), TOP + HEIGHT + 50.0),
            Shape::Bars => (self.bars(), TOP + BAR * self.series.len() as f64 + 10.0),
        };
        let (title, desc) = (escape(self.title), escape(&self.description()));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" aria-labelledby=\"title desc\" \
             viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
             font-family=\"Helvetica,Arial,sans-serif\" font-size=\"13\" fill=\"{TEXT}\">\n\
             <title id=\"title\">{title}</title>\n<desc id=\"desc\">{desc}</desc>\n\
             <text x=\"10\" y=\"22\" font-size=\"15\" font-weight=\"bold\">{title}</text>\n{body}</svg>\n"
        )
    }

    /// All figures in words.
    fn description(&self) -> String {
        let mut text = format!("In {}.", self.y);
        for series in &self.series {
            write!(text, " {}:", series.name).expect("memory");
            for (place, (x, y)) in series.points.iter().enumerate() {
                let comma = if place == 0 { "" } else { "," };
                match self.shape {
                    Shape::Lines => write!(text, "{comma} {} at {} {}", digits(*y), digits(*x), self.x),
                    Shape::Bars => write!(text, " {}", digits(*y)),
                }
                .expect("memory");
            }
            text.push('.');
        }
        text
    }

    fn lines(&self) -> String {
        let all = || self.series.iter().flat_map(|series| &series.points);
        let x = Axis::over(all().map(|(x, _)| *x), LEFT, WIDTH - RIGHT);
        let y = Axis::over(all().map(|(_, y)| *y), TOP + HEIGHT, TOP);
        let mut body = format!("<text x=\"10\" y=\"44\">{}</text>\n", escape(self.y));
        let bottom = TOP + HEIGHT;
        for value in y.decades() {
            let (at, label) = (y.place(value), digits(value));
            let end = WIDTH - RIGHT;
            let text = LEFT - 8.0;
            writeln!(body, "<path d=\"M{LEFT} {at:.1}H{end}\" stroke=\"{TEXT}\" stroke-opacity=\"0.35\"/>")
                .and_then(|()| {
                    writeln!(body, "<text x=\"{text}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>", at + 4.0)
                })
                .expect("memory");
        }
        let mut ticks: Vec<f64> = all().map(|(x, _)| *x).collect();
        ticks.sort_by(f64::total_cmp);
        ticks.dedup();
        for value in ticks {
            let (at, label, below) = (x.place(value), digits(value), bottom + 20.0);
            writeln!(body, "<text x=\"{at:.1}\" y=\"{below}\" text-anchor=\"middle\">{label}</text>").expect("memory");
        }
        let (middle, below, name) = ((LEFT + WIDTH - RIGHT) / 2.0, bottom + 42.0, escape(self.x));
        writeln!(body, "<text x=\"{middle}\" y=\"{below}\" text-anchor=\"middle\">{name}</text>").expect("memory");
        let mut labels: Vec<f64> = Vec::new();
        for (number, series) in self.series.iter().enumerate() {
            let colour = COLOURS[number % COLOURS.len()];
            let places: Vec<(f64, f64)> = series.points.iter().map(|(a, b)| (x.place(*a), y.place(*b))).collect();
            let path: Vec<String> = places.iter().map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
            let path = path.join("L");
            writeln!(body, "<path d=\"M{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>")
                .expect("memory");
            places.iter().for_each(|place| body.push_str(&mark(number, *place, colour)));
            let Some((_, end)) = places.last() else { continue };
            // Names of lines that end together stand below one another.
            let mut at = *end + 4.0;
            while labels.iter().any(|label| (label - at).abs() < 15.0) {
                at += 1.0;
            }
            labels.push(at);
            let (beside, name) = (WIDTH - RIGHT + 14.0, escape(&series.name));
            writeln!(body, "<text x=\"{beside}\" y=\"{at:.1}\" fill=\"{colour}\">{name}</text>").expect("memory");
        }
        body
    }

    /// Bars from zero.
    fn bars(&self) -> String {
        let most = self.series.iter().map(|series| series.points[0].1).fold(f64::MIN_POSITIVE, f64::max);
        let (left, full) = (180.0, WIDTH - 180.0 - 70.0);
        let mut body = format!("<text x=\"10\" y=\"44\">{}</text>\n", escape(self.y));
        for (number, series) in self.series.iter().enumerate() {
            let (top, value) = (TOP + BAR * number as f64, series.points[0].1);
            let (width, text, name) = (value / most * full, top + 14.0, escape(&series.name));
            let colour = if series.name.starts_with("regrant") { COLOURS[0] } else { COLOURS[1] };
            let (beside, value) = (left + width + 8.0, digits(value));
            writeln!(
                body,
                "<text x=\"{}\" y=\"{text}\" text-anchor=\"end\">{name}</text>\
                 <rect x=\"{left}\" y=\"{top}\" width=\"{width:.1}\" height=\"18\" fill=\"{colour}\"/>\
                 <text x=\"{beside:.1}\" y=\"{text}\">{value}</text>",
                left - 8.0
            )
            .expect("memory");
        }
        body
    }
}

/// A circle, a square, a triangle or a diamond.
fn mark(number: usize, (x, y): (f64, f64), colour: &str) -> String {
    let path = match number % COLOURS.len() {
        0 => format!("M{:.1} {y:.1}a4 4 0 1 0 8 0a4 4 0 1 0 -8 0Z", x - 4.0),
        1 => format!("M{:.1} {:.1}h8v8h-8Z", x - 4.0, y - 4.0),
        2 => format!("M{x:.1} {:.1}l5 9h-10Z", y - 5.0),
        _ => format!("M{x:.1} {:.1}l5 5l-5 5l-5 -5Z", y - 5.0),
    };
    format!("<path d=\"{path}\" fill=\"{colour}\"/>\n")
}

/// A logarithmic axis. It begins and ends at a power of ten, so that slopes are not exaggerated.
struct Axis {
    low: f64,
    high: f64,
    begin: f64,
    end: f64,
}

impl Axis {
    fn over(values: impl Iterator<Item = f64>, begin: f64, end: f64) -> Self {
        let (low, high) = values.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
        let (low, high) = (low.log10().floor(), high.log10().ceil());
        Self { low, high: high.max(low + 1.0), begin, end }
    }

    fn place(&self, value: f64) -> f64 {
        self.begin + (value.log10() - self.low) / (self.high - self.low) * (self.end - self.begin)
    }

    fn decades(&self) -> impl Iterator<Item = f64> {
        (self.low as i32..=self.high as i32).map(|power| 10_f64.powi(power))
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
