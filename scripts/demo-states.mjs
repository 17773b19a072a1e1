// What the demo's states look like and which faults they carry; scripts/demo-data.mjs turns it into CSV files.
// Knows no randomness and no files. Every fault here has its entry in examples/dot-bids/truth.yaml.

export const seed = 20260203;

/** District names by state, as each state DOT calls them; the portal publishes only their numbers. */
export const districts = {
  AZ: ["Northwest", "Northcentral", "Central", "Southcentral"],
  CA: ["Eureka", "Redding", "Marysville", "Fresno"],
  CO: ["Denver", "Pueblo", "Grand Junction", "Greeley"],
  DE: ["North", "Canal", "Central", "South"],
  FL: ["Bartow", "Lake City", "Chipley", "DeLand"],
  GA: ["Gainesville", "Tennille", "Thomaston", "Tifton"],
  IL: ["Schaumburg", "Ottawa", "Peoria", "Carbondale"],
  LA: ["New Orleans", "Lafayette", "Shreveport", "Monroe"],
  MD: ["Salisbury", "Chestertown", "Greenbelt", "Brooklandville"],
  MN: ["Duluth", "Bemidji", "Rochester", "Mankato"],
  MO: ["Northwest", "Kansas City", "St. Louis", "Southeast"],
  NC: ["Edenton", "Greenville", "Wilmington", "Asheville"],
  NJ: ["North", "Central", "South", "Statewide"],
  NM: ["Deming", "Roswell", "Albuquerque", "Las Vegas"],
  NV: ["Las Vegas", "Reno", "Elko", "Tonopah"],
  NY: ["Albany", "Utica", "Syracuse", "Rochester"],
  OH: ["Lima", "Bowling Green", "Ashland", "Canton"],
  PA: ["Franklin", "Clearfield", "Montoursville", "Uniontown"],
  TX: ["Amarillo", "Houston", "El Paso", "Waco"],
  VA: ["Bristol", "Salem", "Richmond", "Hampton Roads"],
  VT: ["Bennington", "Rutland", "Windsor", "Orleans"],
  WA: ["Northwest", "North Central", "Olympic", "South Central"],
};

/** Districts that the seed leaves without a name: state → district numbers. */
export const namelessDistricts = { GA: [3], MD: [2] };

/** [section, number, description, unit, category, typical price in cents, typical quantity] */
export const items = [
  [100, 10, "Mobilization", "LS", "GEN", 4_800_000, 1],
  [100, 20, "Construction Surveying", "LS", "GEN", 1_450_000, 1],
  [104, 15, "Temporary Traffic Control", "HR", "TRF", 9_200, 320],
  [201, 10, "Clearing and Grubbing", "AC", "ERW", 812_500, 6],
  [203, 10, "Unclassified Excavation", "CY", "ERW", 1_850, 2_400],
  [203, 30, "Borrow Excavation", "CY", "ERW", 2_275, 1_600],
  [209, 12, "Silt Fence", "LF", "ERO", 375, 2_800],
  [212, 40, "Hydroseeding", "AC", "ERO", 285_000, 9],
  [304, 10, "Aggregate Base Course", "TON", "BAS", 3_450, 1_900],
  [306, 20, "Cement Treated Base", "SY", "BAS", 1_525, 3_100],
  [401, 25, "Asphalt Concrete Surface", "TON", "PAV", 11_800, 1_250],
  [401, 30, "Asphalt Concrete Binder", "TON", "PAV", 10_950, 1_700],
  [407, 10, "Tack Coat", "GAL", "PAV", 425, 2_100],
  [501, 15, "Portland Cement Concrete Pavement", "SY", "PAV", 8_900, 1_400],
  [601, 20, "Class A Concrete", "CY", "STR", 92_500, 85],
  [602, 10, "Reinforcing Steel", "TON", "STR", 310_000, 22],
  [603, 24, "Reinforced Concrete Pipe 24 Inch", "LF", "DRN", 14_250, 360],
  [604, 12, "Drop Inlet", "EA", "DRN", 485_000, 8],
  [606, 10, "Guardrail", "LF", "SAF", 3_650, 1_300],
  [606, 45, "Guardrail Terminal", "EA", "SAF", 362_500, 6],
  [614, 30, "Overhead Sign Structure", "EA", "TRF", 4_150_000, 2],
  [627, 10, "Pavement Marking Paint", "GAL", "TRF", 4_800, 140],
  [703, 10, "Centerline Layout", "STA", "TRF", 18_500, 45],
  [715, 20, "Conduit 2 Inch", "LF", "TRF", 1_875, 900],
];

export const categories = [
  ["BAS", "Base courses"],
  ["DRN", "Drainage"],
  ["ERO", "Erosion control"],
  ["ERW", "Earthwork"],
  ["GEN", "General"],
  ["PAV", "Pavement"],
  ["SAF", "Safety"],
  ["STR", "Structures"],
  ["TRF", "Traffic"],
];

export const certifications = ["NONE", "NONE", "NONE", "DBE", "MBE", "WBE", "SBE"];

const usualLettings = 14;

/** How each state differs from the usual one. The comment says which habit of the real world it stands for. */
const habits = {
  // Bond and fee amounts are in the bid's total but in no line item; small contracts need no bond. Re-bids.
  VA: { lettings: 40, bondedBids: 127, rebids: 3 },
  PA: { rebids: 2, nonResponsive: 4, rejected: 2 },
  // One district's line items come from an older system, which writes 12,500.00.
  LA: { thousandsSeparators: 3, cancelled: 2 },
  // Item numbers start with a zero up to section 299. Working days carry their unit.
  TX: { lettings: 20, leadingZeroBelow: 300, workingDaysWithUnit: 5, rejected: 2, estimateTooLow: 2 },
  OH: { workingDaysWithUnit: 4, badCertifications: ["DEB"] },
  MO: { workingDaysWithUnit: 2, unknownBidders: 2 },
  WA: { unknownBidders: 3, noEstimate: 2 },
  // The vendor feed forgot items that are bid.
  NM: { itemsMissingInFeed: [3, 17], cancelled: 1 },
  // Vendors got a new prequalification number; the portal goes on with the old one.
  FL: { renumberedVendors: 6, estimateTooLow: 1, dollarSigns: true },
  GA: { renumberedVendors: 4 },
  IL: { namelessVendors: 2, editions: [2018, 2022], noEstimate: 1 },
  NJ: { namelessVendors: 1, badCertifications: ["TBD", "N/A"] },
  // Centerline layout is bid by the station (100 feet).
  NC: { stations: true, cancelled: 2 },
  MN: { stations: true, estimateTooLow: 1 },
  // Two editions of the specification book are in force at a time.
  CO: { editions: [2019, 2023], cancelled: 1 },
  NY: { nonResponsive: 6, noEstimate: 3, rejected: 1 },
  CA: { badCertifications: ["DVBE?"], catalogDuplicates: 2, estimateTooLow: 2 },
  AZ: { catalogDuplicates: 3, unknownCategories: 2, rejected: 1 },
  NV: { unknownCategories: 1, estimateTooLow: 1 },
};

const usual = {
  lettings: usualLettings,
  bondedBids: 0,
  rebids: 0,
  nonResponsive: 0,
  rejected: 0,
  thousandsSeparators: 0,
  cancelled: 0,
  leadingZeroBelow: 0,
  workingDaysWithUnit: 0,
  estimateTooLow: 0,
  badCertifications: [],
  unknownBidders: 0,
  noEstimate: 0,
  itemsMissingInFeed: [],
  renumberedVendors: 0,
  dollarSigns: false,
  namelessVendors: 0,
  editions: [2021],
  stations: false,
  catalogDuplicates: 0,
  unknownCategories: 0,
};

/** @returns {[string, typeof usual][]} */
export function stateHabits() {
  return Object.keys(districts).map((state) => [state, { ...usual, ...habits[state] }]);
}
