#include "plot.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <system_error>

#include "fmt/format.h"
#include "plot_scale.h"

namespace skald::bench {
namespace {

constexpr double kMargin = 24;
constexpr double kHead = 62;                                        // title and note
constexpr double kLeft = 66, kRight = 18, kTop = 52, kBottom = 50;  // around a panel's lines
constexpr double kTitle = 22;                                       // of kTop, a panel's title
constexpr double kCharWidth = 6.2;                                  // of the small font, about

// Told apart by all common kinds of eyes (after Okabe and Ito), on the light card and the dark one.
struct Colour {
  std::string_view light;
  std::string_view dark;
};
constexpr std::array kColours = {
    Colour{"#0072b2", "#56b4e9"}, Colour{"#c44e00", "#f0965a"}, Colour{"#00825f", "#3ecfa6"},
    Colour{"#a8477f", "#e39ac6"}, Colour{"#8a6d00", "#e0c04c"},
};

// What a reader's system that has its pages dark gets; everybody else gets the attributes. (Plain
// attributes also reach viewers that know no style sheets.)
std::string StyleSheet() {
  std::string dark =
      ".card{fill:#16191e;stroke:#30363d}.ink{fill:#e6e9ed}.pale{fill:#a3abb5}"
      ".grid{stroke:#2b3138}.frame{stroke:#59626d}";
  for (size_t at = 0; at < kColours.size(); ++at) {
    dark += fmt::format(".l{0}{{stroke:{1}}}.f{0}{{fill:{1}}}", at, kColours[at].dark);
  }
  return fmt::format("<style>@media (prefers-color-scheme: dark){{{}}}</style>\n", dark);
}

std::string Escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else {
      out += c;
    }
  }
  return out;
}

class Canvas {
 public:
  // `classes` names the colour; `more` other attributes.
  void Text(double x, double y, std::string_view text, std::string_view classes,
            std::string_view fill, double size, std::string_view more = {}) {
    fmt::format_to(out(),
                   R"(<text x="{:.1f}" y="{:.1f}" class="{}" fill="{}" font-size="{}" {}>{}</text>)"
                   "\n",
                   x, y, classes, fill, size, more, Escaped(text));
  }
  void Line(double x1, double y1, double x2, double y2, std::string_view classes,
            std::string_view stroke, double width) {
    fmt::format_to(out(),
                   R"(<line x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}" class="{}" )"
                   R"(stroke="{}" stroke-width="{}"/>)"
                   "\n",
                   x1, y1, x2, y2, classes, stroke, width);
  }
  std::back_insert_iterator<std::string> out() { return std::back_inserter(svg_); }
  std::string Take() { return std::move(svg_); }

 private:
  std::string svg_;
};

constexpr std::string_view kInk = "#1b1f24", kPale = "#57606a", kGrid = "#e4e7eb",
                           kFrame = "#8c959f";

// One panel: its place, its scales, and what is drawn into them.
class PanelDrawing {
 public:
  PanelDrawing(Canvas& canvas, const Panel& panel, double x, double y, const Figure& figure)
      : canvas_(canvas),
        panel_(panel),
        left_(x + kLeft),
        right_(x + figure.panel_width - kRight),
        top_(y + (panel.title.empty() ? kTop - kTitle : kTop)),
        bottom_(y + figure.panel_height - kBottom),
        x_(panel.x, Values(true)),
        y_(panel.y, Values(false)) {
    x_.SetPlaces(left_, right_);
    y_.SetPlaces(bottom_, top_);
  }

  void Draw() {
    canvas_.Text(left_, top_ - 34, panel_.title, "ink", kInk, 13, R"(font-weight="600")");
    DrawAxes();
    for (size_t at = panel_.lines.size(); at-- > 0;) DrawBand(at);
    // The first line is what the figure is about: it lies on top.
    for (size_t at = panel_.lines.size(); at-- > 0;) DrawLine(at);
    DrawLegend();
  }

 private:
  std::vector<double> Values(bool x) const {
    std::vector<double> values;
    for (const PlotLine& line : panel_.lines) {
      for (const PlotPoint& point : line.points) {
        if (x) {
          values.push_back(point.x);
        } else {
          values.insert(values.end(), {point.y, point.low, point.high});
        }
      }
    }
    return values;
  }
  bool Shows(const PlotPoint& point) const { return x_.Shows(point.x) && y_.Shows(point.y); }

  void DrawAxes();
  void DrawBand(size_t at);
  void DrawLine(size_t at);
  void DrawLegend();

  Canvas& canvas_;
  const Panel& panel_;
  double left_, right_, top_, bottom_;
  PlotScale x_;
  PlotScale y_;
};

void PanelDrawing::DrawAxes() {
  for (const PlotTick& tick : y_.ticks()) {
    const double y = y_.Place(tick.at);
    canvas_.Line(left_, y, right_, y, "grid", kGrid, 1);
    canvas_.Text(left_ - 7, y + 4, tick.text, "pale", kPale, 11, R"(text-anchor="end")");
  }
  double free_from = left_ - 100;  // where the next label does not touch the last one
  for (const PlotTick& tick : x_.ticks()) {
    const double x = x_.Place(tick.at);
    canvas_.Line(x, bottom_, x, bottom_ + 4, "frame", kFrame, 1);
    const double half = static_cast<double>(tick.text.size()) * kCharWidth / 2;
    if (x - half < free_from) continue;
    free_from = x + half + 4;
    canvas_.Text(x, bottom_ + 17, tick.text, "pale", kPale, 11, R"(text-anchor="middle")");
  }
  canvas_.Line(left_, bottom_, right_, bottom_, "frame", kFrame, 1);
  canvas_.Text((left_ + right_) / 2, bottom_ + 37, panel_.x.label, "pale", kPale, 12,
               R"(text-anchor="middle")");
  const double middle = (top_ + bottom_) / 2;
  const double at = left_ - kLeft + 16;
  canvas_.Text(
      at, middle, panel_.y.label, "pale", kPale, 12,
      fmt::format(R"s(text-anchor="middle" transform="rotate(-90 {:.1f} {:.1f})")s", at, middle));
}

void PanelDrawing::DrawBand(size_t at) {
  std::string upper;
  std::string lower;
  bool wide = false;
  for (const PlotPoint& point : panel_.lines[at].points) {
    if (!Shows(point)) continue;
    wide = wide || point.high > point.low;
    upper += fmt::format("{:.1f},{:.1f} ", x_.Place(point.x), y_.Place(point.high));
    lower.insert(0, fmt::format("{:.1f},{:.1f} ", x_.Place(point.x), y_.Place(point.low)));
  }
  if (!wide) return;
  const size_t colour = at % kColours.size();
  fmt::format_to(canvas_.out(),
                 R"(<polygon points="{}{}" class="f{}" fill="{}" fill-opacity="0.16"/>)"
                 "\n",
                 upper, lower, colour, kColours[colour].light);
}

void PanelDrawing::DrawLine(size_t at) {
  const PlotLine& line = panel_.lines[at];
  const size_t colour = at % kColours.size();
  std::string points;
  std::string marks;
  for (const PlotPoint& point : line.points) {
    if (!Shows(point)) continue;
    const double x = x_.Place(point.x);
    const double y = y_.Place(point.y);
    points += fmt::format("{:.1f},{:.1f} ", x, y);
    if (!line.marks) continue;
    marks += fmt::format(R"(<circle cx="{:.1f}" cy="{:.1f}" r="{}" class="f{}" fill="{}"/>)"
                         "\n",
                         x, y, line.thin ? 2 : 3.2, colour, kColours[colour].light);
  }
  fmt::format_to(canvas_.out(),
                 R"(<polyline points="{}" class="l{}" fill="none" stroke="{}" stroke-width="{}" )"
                 R"(stroke-linejoin="round"/>)"
                 "\n{}",
                 points, colour, kColours[colour].light,
                 line.thin     ? 1.1
                 : !line.marks ? 1.3
                               : 2.2,
                 marks);
}

void PanelDrawing::DrawLegend() {
  double x = left_;
  const double y = top_ - 15;
  for (size_t at = 0; at < panel_.lines.size(); ++at) {
    const PlotLine& line = panel_.lines[at];
    if (line.label.empty()) continue;
    const size_t colour = at % kColours.size();
    canvas_.Line(x, y - 4, x + 16, y - 4, fmt::format("l{}", colour), kColours[colour].light,
                 line.thin ? 1.2 : 2.4);
    canvas_.Text(x + 21, y, line.label, "ink", kInk, 11);
    x += 21 + static_cast<double>(line.label.size()) * kCharWidth + 14;
  }
}

}  // namespace

std::string ToSvg(const Figure& figure) {
  const auto count = static_cast<int>(figure.panels.size());
  const int columns = std::max(1, std::min(figure.columns, count));
  const int rows = std::max(1, (count + columns - 1) / columns);
  const double width = 2 * kMargin + columns * figure.panel_width;
  const double height = kHead + rows * figure.panel_height + kMargin / 2;
  Canvas canvas;
  fmt::format_to(canvas.out(),
                 R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0:.0f} {1:.0f}" )"
                 R"(width="{0:.0f}" height="{1:.0f}" role="img" )"
                 R"(font-family="system-ui, 'DejaVu Sans', Arial, sans-serif">)"
                 "\n<title>{2}</title>\n{3}"
                 R"(<rect x="0.5" y="0.5" width="{4:.1f}" height="{5:.1f}" rx="8" class="card" )"
                 R"(fill="#fdfdfe" stroke="#d0d7de"/>)"
                 "\n",
                 width, height, Escaped(figure.title), StyleSheet(), width - 1, height - 1);
  canvas.Text(kMargin, 30, figure.title, "ink", kInk, 17, R"(font-weight="600")");
  canvas.Text(kMargin, 49, figure.note, "pale", kPale, 11);
  for (int at = 0; at < count; ++at) {
    const int row = at / columns;
    const int column = at % columns;
    PanelDrawing(canvas, figure.panels[static_cast<size_t>(at)],
                 kMargin + column * figure.panel_width, kHead + row * figure.panel_height, figure)
        .Draw();
  }
  return canvas.Take() + "</svg>\n";
}

bool WriteSvg(const std::string& path, const Figure& figure) {
  std::error_code error;
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  if (!parent.empty()) std::filesystem::create_directories(parent, error);
  std::ofstream file(path);
  file << ToSvg(figure);
  file.close();
  if (!file) fmt::print(stderr, "cannot write {}; name another directory\n", path);
  return !file.fail();
}

}  // namespace skald::bench
