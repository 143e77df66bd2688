#include "plot.h"

#include <algorithm>
#include <string>
#include <vector>

#include "catch.h"
#include "plot_scale.h"

using namespace skald::bench;

namespace {

std::vector<std::string> Texts(const PlotScale& scale) {
  std::vector<std::string> texts;
  for (const PlotTick& tick : scale.ticks()) texts.push_back(tick.text);
  return texts;
}

size_t CountOf(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

}  // namespace

TEST_CASE("a number is told in three digits and a unit") {
  CHECK(SiText(0) == "0");
  CHECK(SiText(0.25) == "0.25");
  CHECK(SiText(999) == "999");
  CHECK(SiText(5000) == "5000");
  CHECK(SiText(81829) == "81.8k");
  CHECK(SiText(999.6e3) == "1M");
  CHECK(SiText(1.1e9) == "1.1G");
}

TEST_CASE("a linear axis has round ticks around its values") {
  PlotScale scale({.from_zero = true}, {12, 87});
  CHECK(Texts(scale) == std::vector<std::string>{"0", "20", "40", "60", "80", "100"});
  scale.SetPlaces(200, 100);  // downwards, as on a page
  CHECK(scale.Place(0) == Approx(200));
  CHECK(scale.Place(50) == Approx(150));
  CHECK(scale.Place(100) == Approx(100));
}

TEST_CASE("a logarithmic axis has decades, and more ticks where they are few") {
  PlotScale wide({.log = true}, {3, 90'000});
  CHECK(Texts(wide) == std::vector<std::string>{"1", "10", "100", "1000", "10k", "100k"});
  wide.SetPlaces(0, 5);
  CHECK(wide.Place(1000) == Approx(3));
  const PlotScale narrow({.log = true}, {3, 30});
  CHECK(Texts(narrow) == std::vector<std::string>{"2", "5", "10", "20", "50"});
}

TEST_CASE("an axis without values, or with one, or with none that it can show, still has ends") {
  for (const std::vector<double>& values : std::vector<std::vector<double>>{{}, {7}, {0, -1}}) {
    PlotScale scale({.log = true}, values);
    scale.SetPlaces(0, 1);
    CHECK(scale.ticks().size() >= 2);
    CHECK(scale.Place(scale.ticks().front().at) == Approx(0).margin(1e-9));
    CHECK(scale.Place(scale.ticks().back().at) == Approx(1));
  }
}

TEST_CASE("an axis with ticks of its own ends with them") {
  PlotScale scale({.log = true, .ticks = {{1, "one"}, {65536, "many"}}}, {1, 1024});
  scale.SetPlaces(0, 16);
  CHECK(scale.Place(65536) == Approx(16));
  CHECK(scale.Place(1024) == Approx(10));
}

TEST_CASE("a figure draws each line, its band and its marks, and escapes what is told") {
  const std::vector<PlotPoint> ranged = {{1, 10, 8, 12}, {10, 20, 19, 30}};
  const std::vector<PlotPoint> exact = {{1, 40, 40, 40}, {10, 50, 50, 50}};
  const Figure figure{.title = "a < b & c",
                      .panels = {{.x = {.log = true},
                                  .y = {.log = true},
                                  .lines = {{.label = "ours", .points = ranged},
                                            {.label = "ceiling", .points = exact, .thin = true}}}}};
  const std::string svg = ToSvg(figure);
  CHECK(CountOf(svg, "<polyline") == 2);
  CHECK(CountOf(svg, "<polygon") == 1);  // only where rounds differ
  CHECK(CountOf(svg, "<circle") == 4);
  CHECK(CountOf(svg, "a &lt; b &amp; c") == 2);  // <title> and the text
  CHECK(svg.find("prefers-color-scheme: dark") != std::string::npos);
  CHECK(svg.find("nan") == std::string::npos);
  CHECK(svg == ToSvg(figure));
}

TEST_CASE("a point that a logarithmic axis cannot show is left out") {
  const std::vector<PlotPoint> points = {{1, 0, 0, 0}, {10, 20, 20, 20}};
  const Figure figure{.panels = {{.y = {.log = true}, .lines = {{.points = points}}}}};
  const std::string svg = ToSvg(figure);
  CHECK(CountOf(svg, "<circle") == 1);
  CHECK(svg.find("inf") == std::string::npos);
}
