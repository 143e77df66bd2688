// Draws lines over axes as SVG: no service, no library, and the same bytes for the same figures.
//
// A figure is a card of its own colours, light or dark as the reader's system asks for, so that it
// can be read on any page.
//
//   Figure figure{.title = "How it grows", .panels = {{.title = "throughput", .lines = {line}}}};
//   WriteSvg("build/plots/grows.svg", figure);
#pragma once

#include <string>
#include <vector>

namespace skald::bench {

struct PlotPoint {
  double x = 0;
  double y = 0;
  // What the rounds ranged over, drawn as a band; both y where there is none.
  double low = 0;
  double high = 0;
};

struct PlotLine {
  std::string label;
  std::vector<PlotPoint> points;  // ascending x
  bool thin = false;              // a ceiling, drawn beside what the figure is about
  bool marks = true;              // a mark at each point; false for series of many
};

struct PlotTick {
  double at = 0;
  std::string text;
};

struct PlotAxis {
  std::string label;            // with its unit
  bool log = false;             // values that are not positive are left out
  bool from_zero = false;       // linear only
  std::vector<PlotTick> ticks;  // empty: round values
};

struct Panel {
  std::string title;
  PlotAxis x;
  PlotAxis y;
  std::vector<PlotLine> lines;
};

struct Figure {
  std::string title;
  std::string note;  // one line under the title: what, on what, how often
  std::vector<Panel> panels;
  int columns = 2;
  double panel_width = 460;
  double panel_height = 300;
};

std::string ToSvg(const Figure& figure);

// Makes the directory where it is missing. False, and a line on stderr, when it cannot be written.
bool WriteSvg(const std::string& path, const Figure& figure);

// 1234567 as "1.23M": three digits and a unit, none of them a zero behind the point.
std::string SiText(double value);

}  // namespace skald::bench
