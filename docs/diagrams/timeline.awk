# Draws a time line as SVG from a source such as lost-response.timeline:
#
#   // title: TEXT              the text alternatives
#   // desc: TEXT
#   span FROM TO                the ends of the axis, in any unit
#   row NAME                    a row; marks and bars belong to the row before them
#   mark AT NUMBER COLOUR       a numbered point, which the page explains
#   bar FROM TO COLOUR TEXT     a time in which a token has a state
#   tick AT TEXT                a label of the axis
#
# Colours: green, amber, red, grey, as in the .dot files. Each text stands on a fill of its own, so that it is legible on
# light and on dark pages. All coordinates are whole numbers, so that each awk draws the same.

BEGIN {
  left = 128; width = 560; height = 34; top = 10
  fill["green"] = "#d9efdd"; line["green"] = "#4f8a5b"; ink["green"] = "#12331a"
  fill["amber"] = "#fbeccf"; line["amber"] = "#a07a2c"; ink["amber"] = "#3d2c08"
  fill["red"] = "#f6dcda"; line["red"] = "#a8605a"; ink["red"] = "#451713"
  fill["grey"] = "#e6e8eb"; line["grey"] = "#768390"; ink["grey"] = "#24292f"
}

function rest(from,    text, i) {
  for (i = from; i <= NF; i++) text = text (i > from ? " " : "") $i
  return text
}
function at(time) { return left + int((time - start) * width / (end - start) + 0.5) }
function box(x, y, w, h, colour, text) {
  shapes = shapes sprintf("<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"5\" fill=\"%s\" stroke=\"%s\"/>\n", x, y, w, h, fill[colour], line[colour])
  if (text != "") shapes = shapes sprintf("<text x=\"%d\" y=\"%d\" fill=\"%s\">%s</text>\n", x + int(w / 2), y + int(h / 2) + 5, ink[colour], text)
}

sub(/^\/\/ title: /, "") { title = $0; next }
sub(/^\/\/ desc: /, "") { desc = $0; next }
$1 == "span" { start = $2; end = $3 }
$1 == "row" {
  y = top + rows++ * height
  box(0, y, left - 14, height - 8, "grey", rest(2))
  lines = lines sprintf("<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" stroke=\"#768390\"/>\n", left, y + 13, left + width, y + 13)
}
$1 == "bar" { box(at($2), y, at($3) - at($2), height - 8, $4, rest(5)) }
$1 == "mark" {
  lines = lines sprintf("<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"AXIS\" stroke=\"#768390\" stroke-dasharray=\"3 3\"/>\n", at($2), y + 13, at($2))
  shapes = shapes sprintf("<circle cx=\"%d\" cy=\"%d\" r=\"12\" fill=\"%s\" stroke=\"%s\" stroke-width=\"1.5\"/>\n", at($2), y + 13, fill[$4], line[$4])
  shapes = shapes sprintf("<text x=\"%d\" y=\"%d\" fill=\"%s\" font-weight=\"bold\">%s</text>\n", at($2), y + 18, ink[$4], $3)
}
$1 == "tick" { ticks[++count] = $2; labels[count] = rest(3) }

END {
  axis = top + rows * height + 2
  for (i = 1; i <= count; i++) {
    w = length(labels[i]) * 7 + 12
    box(at(ticks[i]) - int(w / 2), axis, w, 22, "grey", labels[i])
  }
  gsub(/AXIS/, axis, lines)
  w = left + width + 30
  printf "<svg role=\"img\" aria-labelledby=\"title desc\" width=\"%d\" height=\"%d\" viewBox=\"-2 0 %d %d\" xmlns=\"http://www.w3.org/2000/svg\">\n", w, axis + 30, w, axis + 30
  printf "<title id=\"title\">%s</title>\n<desc id=\"desc\">%s</desc>\n", title, desc
  printf "<g font-family=\"Helvetica,Arial,sans-serif\" font-size=\"13\" text-anchor=\"middle\">\n%s%s</g>\n</svg>\n", lines, shapes
}
