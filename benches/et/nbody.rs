use super::Run;
use std::f64::consts::PI;
use std::hint::black_box;
use std::sync::atomic::{Ordering, compiler_fence};

const SOLAR_MASS: f64 = 4.0 * PI * PI;
const YEAR: f64 = 365.24;

struct Body {
    x: f64,
    y: f64,
    z: f64,
    vx: f64,
    vy: f64,
    vz: f64,
    mass: f64,
}

fn planet([x, y, z]: [f64; 3], [vx, vy, vz]: [f64; 3], mass: f64) -> Body {
    Body { x, y, z, vx: vx * YEAR, vy: vy * YEAR, vz: vz * YEAR, mass: mass * SOLAR_MASS }
}

#[allow(clippy::excessive_precision, reason = "as the figures are published")]
fn system() -> [Body; 5] {
    [
        planet([0.0; 3], [0.0; 3], 1.0),
        planet(
            [4.84143144246472090, -1.16032004402742839, -0.103622044471123109],
            [0.00166007664274403694, 0.00769901118419740425, -0.0000690460016972063023],
            0.000954791938424326609,
        ),
        planet(
            [8.34336671824457987, 4.12479856412430479, -0.403523417114321381],
            [-0.00276742510726411367, 0.00499852801234917238, 0.0000230417297573763929],
            0.000285885980666130812,
        ),
        planet(
            [12.8943695621391310, -15.1111514016986312, -0.223307578892655734],
            [0.00296460137564761618, 0.00237847173959480950, -0.0000296589568540237556],
            0.0000436624404335156298,
        ),
        planet(
            [15.3796971148509165, -25.9193146099879641, 0.179258772950371181],
            [0.00268067772490389322, 0.00162824170038242295, -0.0000951592254519715870],
            0.0000515138902046611451,
        ),
    ]
}

pub(super) fn native(size: u64) -> Run {
    Box::new(move || {
        let mut bodies = system();
        balance(&mut bodies);
        for _ in 0..black_box(size) {
            advance(&mut bodies, 0.01);
        }
        energy(&bodies).to_bits()
    })
}

fn balance(bodies: &mut [Body; 5]) {
    for k in 0..bodies.len() {
        let (vx, vy, vz, mass) = (bodies[k].vx, bodies[k].vy, bodies[k].vz, bodies[k].mass);
        let sun = &mut bodies[0];
        sun.vx -= vx * mass / SOLAR_MASS;
        sun.vy -= vy * mass / SOLAR_MASS;
        sun.vz -= vz * mass / SOLAR_MASS;
    }
}

fn energy(bodies: &[Body; 5]) -> f64 {
    let mut e = 0.0;
    for (k, a) in bodies.iter().enumerate() {
        e += 0.5 * a.mass * (a.vx * a.vx + a.vy * a.vy + a.vz * a.vz);
        for b in &bodies[k + 1..] {
            let (dx, dy, dz) = (a.x - b.x, a.y - b.y, a.z - b.z);
            e -= a.mass * b.mass / (dx * dx + dy * dy + dz * dz).sqrt();
        }
    }
    e
}

#[inline(never)]
fn advance(bodies: &mut [Body; 5], dt: f64) {
    for k in 0..bodies.len() {
        let (a, others) = bodies[k..].split_first_mut().expect("there is one");
        for b in others {
            let (dx, dy, dz) = (a.x - b.x, a.y - b.y, a.z - b.z);
            let square = dx * dx + dy * dy + dz * dz;
            let pull = dt / (square * square.sqrt());
            a.vx -= dx * b.mass * pull;
            compiler_fence(Ordering::SeqCst);
            a.vy -= dy * b.mass * pull;
            compiler_fence(Ordering::SeqCst);
            a.vz -= dz * b.mass * pull;
            b.vx += dx * a.mass * pull;
            compiler_fence(Ordering::SeqCst);
            b.vy += dy * a.mass * pull;
            compiler_fence(Ordering::SeqCst);
            b.vz += dz * a.mass * pull;
        }
    }
    for b in bodies {
        b.x += dt * b.vx;
        compiler_fence(Ordering::SeqCst);
        b.y += dt * b.vy;
        compiler_fence(Ordering::SeqCst);
        b.z += dt * b.vz;
    }
}
