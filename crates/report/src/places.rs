//! Approximate locations of countries for a tile map: each gets the free cell nearest to its location.

use std::collections::{BTreeMap, BTreeSet};

/// Code, degrees north, degrees east. Whole degrees, somewhere within the country.
const PLACES: &str = "
us 40 -98 ca 57 -105 mx 23 -102 gt 16 -91 bz 17 -88 sv 13 -89 hn 15 -86 ni 13 -85 cr 10 -84 pa 9 -79
cu 22 -79 jm 18 -77 ht 19 -73 do 19 -70 bs 25 -77 ag 17 -61 bb 13 -58 dm 15 -60 gd 12 -61 kn 18 -63 lc 14 -60
vc 13 -62 tt 10 -61 co 4 -73 ve 7 -66 gy 5 -59 sr 4 -56 ec -1 -79 pe -10 -75 br -10 -52 bo -17 -64 py -23 -58
uy -33 -56 cl -32 -71 ar -35 -64 is 65 -18 ie 53 -8 gb 54 -2 pt 39 -8 es 40 -4 fr 46 2 ad 43 0 mc 43 7 be 51 4
nl 53 5 lu 49 6 de 52 10 ch 47 8 li 47 9 at 47 14 it 43 12 sm 44 12 mt 36 14 si 46 15 hr 45 16 ba 44 18 me 42 19
al 41 20 rs 44 21 mk 41 22 gr 39 22 bg 43 25 ro 46 25 md 47 29 hu 47 19 sk 49 20 cz 50 15 pl 52 19 dk 56 9
no 62 9 se 61 16 fi 63 26 ee 59 26 lv 57 25 lt 55 24 by 53 28 ua 49 32 ru 60 90 ge 42 43 am 40 45 az 40 48
tr 39 35 cy 35 33 sy 35 38 lb 34 36 il 31 35 jo 31 36 iq 33 44 ir 32 53 kw 29 47 sa 24 45 bh 26 50 qa 25 51
ae 24 54 om 21 57 ye 15 48 kz 48 67 uz 41 64 tm 39 59 kg 41 75 tj 39 71 af 34 66 pk 30 70 in 22 79 np 28 84
bt 27 90 bd 24 90 lk 7 81 mv 3 73 mm 21 96 th 15 101 la 18 103 kh 12 105 vn 16 108 my 4 102 sg 1 104 bn 4 115
id -3 118 tl -9 126 ph 13 122 cn 35 103 mn 47 104 kp 40 127 kr 36 128 jp 36 138 pg -6 144 au -25 134 nz -41 173
sb -9 160 vu -16 167 fj -18 178 to -20 -175 ws -14 -172 ki 1 173 tv -8 178 nr -1 167 mh 7 171 fm 7 158 pw 7 134
ma 32 -6 dz 28 3 tn 34 9 ly 27 17 eg 27 30 sd 15 30 ss 7 30 er 15 39 dj 12 43 et 9 40 so 5 46 mr 20 -10 ml 17 -4
ne 17 8 td 15 19 sn 14 -14 gm 13 -16 gw 12 -15 gn 10 -10 sl 8 -12 lr 6 -9 ci 8 -5 bf 12 -2 gh 8 -1 tg 8 1 bj 9 2
ng 10 8 cv 16 -24 cm 6 12 cf 7 21 gq 2 10 ga -1 12 st 0 7 cg -1 15 cd -3 24 ug 1 32 ke 0 38 rw -2 30 bi -3 30
tz -6 35 ao -12 18 zm -14 28 mw -13 34 mz -18 35 zw -19 30 bw -22 24 na -22 17 za -30 24 ls -30 28 sz -26 31
mg -19 47 km -12 44 mu -20 57 sc -5 55
";

/// Degrees per tile, east and north.
const WIDE: f64 = 6.5;
const HIGH: f64 = 5.0;

/// Column and row of each country, from the upper left.
pub(crate) fn tiles() -> BTreeMap<&'static str, (u32, u32)> {
    let mut words = PLACES.split_whitespace();
    let mut taken: BTreeSet<(i32, i32)> = BTreeSet::new();
    let mut placed: Vec<(&'static str, (i32, i32))> = Vec::new();
    while let (Some(code), Some(north), Some(east)) = (words.next(), words.next(), words.next()) {
        let (Ok(north), Ok(east)) = (north.parse::<f64>(), east.parse::<f64>()) else { continue };
        let (x, y) = ((east + 180.0) / WIDE, (72.0 - north) / HIGH);
        let far = |cell: &(i32, i32)| {
            let (dx, dy) = (f64::from(cell.0) - x, f64::from(cell.1) - y);
            dx * dx + dy * dy
        };
        let (cx, cy) = (x.round() as i32, y.round() as i32);
        let near = (-8..=8).flat_map(|dx| (-8..=8).map(move |dy| (cx + dx, cy + dy)));
        let free = near.filter(|c| c.0 >= 0 && c.1 >= 0 && !taken.contains(c));
        if let Some(cell) = free.min_by(|a, b| far(a).total_cmp(&far(b)).then(a.cmp(b))) {
            taken.insert(cell);
            placed.push((code, cell));
        }
    }
    let west = placed.iter().map(|p| p.1.0).min().unwrap_or(0);
    let north = placed.iter().map(|p| p.1.1).min().unwrap_or(0);
    let tile = |(code, (x, y)): (&'static str, (i32, i32))| {
        (code, ((x - west).unsigned_abs(), (y - north).unsigned_abs()))
    };
    placed.into_iter().map(tile).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_country_has_a_tile_of_its_own() {
        let tiles = tiles();
        let catalog = clinstruct_catalog::Catalog::embedded().unwrap();
        for country in &catalog.countries {
            assert!(tiles.contains_key(country.code.as_str()), "{}", country.name);
        }
        let cells: BTreeSet<_> = tiles.values().collect();
        assert_eq!(cells.len(), tiles.len());
        assert_eq!(tiles.len(), catalog.countries.len());
        // Roughly the world: west is left, north is up.
        assert!(tiles["us"].0 < tiles["fr"].0 && tiles["fr"].0 < tiles["jp"].0);
        assert!(tiles["no"].1 < tiles["it"].1 && tiles["it"].1 < tiles["za"].1);
    }
}
