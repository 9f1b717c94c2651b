//! Where the nodes are drawn.
//!
//! Every node gets one of the arrows to it for its branch: the branches are a forest that grows from the root process
//! to the right. Those arrows are taken that the makers of objects hold, before others, so that the forest shows who made
//! whom. A node's layer is its depth in the forest. Leaves stand below each other in the order of the keys that lead to
//! them, and every other node in the middle of its branches; so no two nodes of a layer meet.

use super::model::{Graph, Maker, Node, Style};
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

/// Widths and distances, in pixels.
const CHARACTER: f64 = 6.7;
const PADDING: f64 = 16.0;
/// Height of a node.
pub(super) const HEIGHT: f64 = 34.0;
const ROW: f64 = 46.0;
/// Between two layers, besides the labels: where arrows bend.
const GAP: f64 = 60.0;
/// Room for arrows between nodes of the last layer.
const BULGE: f64 = 30.0;
/// What is left around the drawing.
pub(super) const MARGIN: f64 = 20.0;
/// Above the drawing, for its title and the legend.
const HEAD: f64 = 50.0;

/// A drawing without ink.
pub(super) struct Layout {
    /// For each node its place, in the order of the nodes.
    pub(super) places: Vec<Place>,
    /// For each arrow, whether it is a branch.
    pub(super) branches: Vec<bool>,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// Where a node is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    pub(super) layer: usize,
    /// Its left end.
    pub(super) x: f64,
    /// Its middle.
    pub(super) y: f64,
    pub(super) width: f64,
}

/// The forest: for each node, its branches in order; and the nodes without one to them.
struct Forest {
    children: Vec<Vec<usize>>,
    roots: Vec<usize>,
    layers: Vec<usize>,
    branches: Vec<bool>,
}

impl Layout {
    /// Lays a graph out.
    pub(super) fn of(graph: &Graph) -> Self {
        let forest = Forest::of(graph);
        let mut places: Vec<_> = graph
            .nodes
            .iter()
            .zip(&forest.layers)
            .map(|(node, &layer)| Place { layer, width: width_of(node), ..Place::default() })
            .collect();
        let rows = forest.rows(&mut places);
        let width = columns(graph, &forest, &mut places);
        let height = HEAD + MARGIN + rows * ROW;
        Self { places, branches: forest.branches, width: width + BULGE + MARGIN, height }
    }
}

impl Forest {
    fn of(graph: &Graph) -> Self {
        let count = graph.nodes.len();
        let mut leaving: Vec<Vec<usize>> = vec![Vec::new(); count];
        let mut is_named = vec![false; count];
        for (index, arrow) in graph.arrows.iter().enumerate() {
            leaving[arrow.from].push(index);
            is_named[arrow.to] = true;
        }
        let mut forest = Self {
            children: vec![Vec::new(); count],
            roots: Vec::new(),
            layers: vec![0; count],
            branches: vec![false; graph.arrows.len()],
        };
        let mut placed = BTreeSet::new();
        // The first node is the root process. Then comes what nobody has a key to, then whatever is left.
        let unnamed = (0..count).filter(|&node| !is_named[node]);
        for root in (0..count.min(1)).chain(unnamed).chain(0..count) {
            if placed.insert(root) {
                forest.roots.push(root);
                forest.grow(graph, &leaving, root, &mut placed);
            }
        }
        forest
    }

    /// Grows the tree from `root`, the cheapest ways first.
    fn grow(&mut self, graph: &Graph, leaving: &[Vec<usize>], root: usize, placed: &mut BTreeSet<usize>) {
        let mut ways = BinaryHeap::new();
        let push = |ways: &mut BinaryHeap<_>, node: usize, cost: u64| {
            for &index in &leaving[node] {
                ways.push(Reverse((cost + price(graph, index), index)));
            }
        };
        push(&mut ways, root, 0);
        while let Some(Reverse((cost, index))) = ways.pop() {
            let arrow = &graph.arrows[index];
            if placed.insert(arrow.to) {
                self.branches[index] = true;
                self.children[arrow.from].push(arrow.to);
                self.layers[arrow.to] = self.layers[arrow.from] + 1;
                push(&mut ways, arrow.to, cost);
            }
        }
    }

    /// Gives each node its height; how many rows there are.
    fn rows(&self, places: &mut [Place]) -> f64 {
        let mut row = 0.0;
        let mut work: Vec<(usize, bool)> = self.roots.iter().rev().map(|&root| (root, false)).collect();
        while let Some((node, done)) = work.pop() {
            let children = &self.children[node];
            if let (Some(&first), Some(&last)) = (children.first(), children.last()) {
                if done {
                    places[node].y = f64::midpoint(places[first].y, places[last].y);
                } else {
                    work.push((node, true));
                    work.extend(children.iter().rev().map(|&child| (child, false)));
                }
            } else {
                row += 1.0;
                places[node].y = HEAD + (row - 0.5) * ROW;
            }
        }
        row
    }
}

/// What it costs to let a node hang on an arrow: whoever made it should have it.
fn price(graph: &Graph, arrow: usize) -> u64 {
    let arrow = &graph.arrows[arrow];
    match arrow.style {
        Style::Meter => 1 << 40,
        Style::Gate => 1,
        Style::Call | Style::Key => match arrow.maker {
            Maker::Likely => 1,
            Maker::Possible => 1 << 20,
            Maker::Unlikely => 1 << 30,
        },
    }
}

/// How wide a text is.
pub(super) fn text_width(text: &str) -> f64 {
    let length = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
    f64::from(length) * CHARACTER
}

fn width_of(node: &Node) -> f64 {
    text_width(&node.title).max(text_width(&node.detail)) + PADDING
}

/// Gives each layer its place; where the last one ends.
fn columns(graph: &Graph, forest: &Forest, places: &mut [Place]) -> f64 {
    let layers = places.iter().map(|place| place.layer + 1).max().unwrap_or_default();
    let mut widths = vec![0.0_f64; layers];
    for place in &*places {
        widths[place.layer] = widths[place.layer].max(place.width);
    }
    // Labels of branches stand before the nodes they lead to.
    let mut gaps = vec![GAP; layers];
    for (arrow, _) in graph.arrows.iter().zip(&forest.branches).filter(|(_, branch)| **branch) {
        let gap = &mut gaps[places[arrow.to].layer];
        *gap = gap.max(GAP + text_width(&shown_label(&arrow.label)));
    }
    let mut x = MARGIN;
    let mut begins = Vec::with_capacity(layers);
    for (layer, (width, gap)) in widths.iter().zip(gaps).enumerate() {
        x += if layer == 0 { 0.0 } else { gap };
        begins.push(x);
        x += width;
    }
    for place in places {
        place.x = begins[place.layer];
    }
    x
}

/// Labels longer than this are cut.
const LABEL_MAX: usize = 28;

/// A label as it is drawn.
pub(super) fn shown_label(label: &str) -> String {
    if label.chars().count() <= LABEL_MAX {
        return label.to_owned();
    }
    let mut cut: String = label.chars().take(LABEL_MAX - 1).collect();
    cut.push('…');
    cut
}
