//! Line charts as SVG. Colours follow the light or dark mode of the reader.

use std::fmt::Write as _;
use std::iter;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 220.0;
const TOP: f64 = 46.0;
const BOTTOM: f64 = 54.0;

/// Colours of the series, legible on white and on black, and distinguishable without red and green.
const COLOURS: [&str; 6] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#a07800", "#56b4e9"];

/// Points of a line that are shown as dots. More would hide the line.
const MOST_DOTS: usize = 40;

/// Characters in a line of the legend.
const LEGEND: usize = 26;

/// Dashes of the series, for readers who see no colours.
const DASHES: [&str; 6] = ["none", "7 3", "2 3", "9 3 2 3", "4 2", "1 2"];

const STYLE: &str = "text{font:13px sans-serif;fill:#24292f}.grid{stroke:#d0d7de}.axis{stroke:#57606a}\
    @media(prefers-color-scheme:dark){text{fill:#e6edf3}.grid{stroke:#30363d}.axis{stroke:#8b949e}}";

/// A scale of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Equal distances are equal differences. Begins at 0.
    Linear,
    /// Equal distances are equal ratios.
    Logarithmic,
}

/// An axis of a chart.
#[derive(Clone, Debug)]
pub struct Axis {
    /// Quantity and unit.
    pub label: String,
    /// Scale.
    pub scale: Scale,
}

/// A line of a chart.
#[derive(Clone, Debug)]
pub struct Series {
    /// Name in the legend.
    pub name: String,
    /// Points in the order of the line.
    pub points: Vec<(f64, f64)>,
}

/// A chart of lines.
#[derive(Clone, Debug)]
pub struct Chart {
    /// Title, which is also shown.
    pub title: String,
    /// Description for readers who do not see the chart.
    pub description: String,
    /// Horizontal axis.
    pub x: Axis,
    /// Vertical axis.
    pub y: Axis,
    /// Lines.
    pub series: Vec<Series>,
}

impl Axis {
    /// An axis with this label.
    #[must_use]
    pub fn new(label: &str, scale: Scale) -> Self {
        Self { label: label.to_owned(), scale }
    }
}

impl Chart {
    /// Returns the chart as SVG.
    #[must_use]
    pub fn svg(&self) -> String {
        let values = |of: fn(&(f64, f64)) -> f64| self.series.iter().flat_map(move |line| line.points.iter().map(of));
        let x = Range::of(self.x.scale, values(|point| point.0), LEFT, WIDTH - RIGHT);
        let y = Range::of(self.y.scale, values(|point| point.1), HEIGHT - BOTTOM, TOP);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
             aria-labelledby=\"title desc\">\n<title id=\"title\">{}</title>\n<desc id=\"desc\">{}</desc>\n\
             <style>{STYLE}</style>\n<text x=\"{LEFT}\" y=\"24\" font-weight=\"bold\">{0}</text>\n",
            escape(&self.title),
            escape(&self.description),
        );
        let (middle, low) = (f64::midpoint(LEFT, WIDTH - RIGHT), HEIGHT - BOTTOM);
        for tick in x.ticks() {
            let (at, label) = (x.place(tick), number(tick));
            push(&mut svg, &format!("<path class=\"grid\" d=\"M{at:.1} {TOP}V{low}\"/>"));
            push(&mut svg, &format!("<text x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\">{label}</text>", low + 18.0));
        }
        for tick in y.ticks() {
            let (at, label) = (y.place(tick), number(tick));
            push(&mut svg, &format!("<path class=\"grid\" d=\"M{LEFT} {at:.1}H{}\"/>", WIDTH - RIGHT));
            let (x, y) = (LEFT - 6.0, at + 4.0);
            push(&mut svg, &format!("<text x=\"{x}\" y=\"{y:.1}\" text-anchor=\"end\">{label}</text>"));
        }
        push(&mut svg, &format!("<path class=\"axis\" fill=\"none\" d=\"M{LEFT} {TOP}V{low}H{}\"/>", WIDTH - RIGHT));
        let (x_label, y_label) = (escape(&self.x.label), escape(&self.y.label));
        push(&mut svg, &format!("<text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">{x_label}</text>", low + 40.0));
        push(&mut svg, &format!("<text x=\"{LEFT}\" y=\"{}\">{y_label}</text>", TOP - 6.0));
        let mut row = TOP + 10.0;
        for (place, line) in self.series.iter().enumerate() {
            let (colour, dash) = (COLOURS[place % COLOURS.len()], DASHES[place % DASHES.len()]);
            let stroke = format!("stroke=\"{colour}\" stroke-width=\"2\" stroke-dasharray=\"{dash}\"");
            let mut path = String::new();
            for (at, point) in line.points.iter().enumerate() {
                let command = if at == 0 { 'M' } else { 'L' };
                write!(path, "{command}{:.1} {:.1}", x.place(point.0), y.place(point.1)).expect("a string");
            }
            push(&mut svg, &format!("<path fill=\"none\" {stroke} d=\"{path}\"/>"));
            for point in line.points.iter().filter(|_| line.points.len() <= MOST_DOTS) {
                let (x, y) = (x.place(point.0), y.place(point.1));
                push(&mut svg, &format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\" fill=\"{colour}\"/>"));
            }
            let at = WIDTH - RIGHT + 12.0;
            push(&mut svg, &format!("<path fill=\"none\" {stroke} d=\"M{at} {row}h26\"/>"));
            for words in wrapped(&line.name) {
                push(&mut svg, &format!("<text x=\"{}\" y=\"{}\">{}</text>", at + 32.0, row + 4.0, escape(words)));
                row += 22.0;
            }
        }
        svg + "</svg>\n"
    }
}

/// Splits a long name in two, at its last space.
fn wrapped(name: &str) -> impl Iterator<Item = &str> {
    let halves = name.rsplit_once(' ').filter(|_| name.len() > LEGEND);
    let (first, second) = halves.map_or((name, None), |(first, second)| (first, Some(second)));
    iter::once(first).chain(second)
}

fn push(svg: &mut String, element: &str) {
    svg.push_str(element);
    svg.push('\n');
}

/// Values of an axis, and their places in the picture.
struct Range {
    scale: Scale,
    low: f64,
    high: f64,
    begin: f64,
    end: f64,
}

impl Range {
    fn of(scale: Scale, values: impl Iterator<Item = f64>, begin: f64, end: f64) -> Self {
        let values: Vec<f64> = values.filter(|value| scale == Scale::Linear || *value > 0.0).collect();
        let high = values.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        let low = values.iter().copied().fold(high, f64::min);
        let (low, high) = match scale {
            Scale::Linear => (0.0, high),
            Scale::Logarithmic => (10_f64.powf(low.log10().floor()), 10_f64.powf(high.log10().ceil())),
        };
        Self { scale, low, high: if high > low { high } else { low + low.max(1.0) * 9.0 }, begin, end }
    }

    fn place(&self, value: f64) -> f64 {
        let share = match self.scale {
            Scale::Linear => (value - self.low) / (self.high - self.low),
            Scale::Logarithmic => (value / self.low).log10() / (self.high / self.low).log10(),
        };
        self.begin + share.clamp(0.0, 1.0) * (self.end - self.begin)
    }

    fn ticks(&self) -> Vec<f64> {
        match self.scale {
            Scale::Linear => {
                let rough = (self.high - self.low) / 5.0;
                let power = 10_f64.powf(rough.log10().floor());
                let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power).into_iter().find(|step| *step >= rough);
                let step = step.unwrap_or(rough);
                (0..=(self.high / step) as u32).map(|tick| f64::from(tick) * step).collect()
            }
            Scale::Logarithmic => {
                let (low, high) = (self.low.log10().round() as i32, self.high.log10().round() as i32);
                (low..=high).map(|power| 10_f64.powi(power)).collect()
            }
        }
    }
}

/// Returns a short text of a number: `250`, `0.01`, `20 k`, `3 M`.
fn number(value: f64) -> String {
    match value {
        value if value >= 1e6 => format!("{} M", trimmed(value / 1e6)),
        value if value >= 1e4 => format!("{} k", trimmed(value / 1e3)),
        value => trimmed(value),
    }
}

fn trimmed(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
