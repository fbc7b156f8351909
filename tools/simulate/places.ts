/**
 * Where simulated people live, where their operators sit and where the vantages stand. Coordinates of cities and cloud
 * regions are public geography (WGS-84 degrees); the autonomous systems are those that serve the country's homes,
 * phones and offices. Addresses are drawn out of the IP databases, never written down here.
 */

export interface Place {
  country: string;
  region: string;
  city: string;
  latitude: number;
  longitude: number;
  timeZone: string;
}

/** The access networks of one country, as autonomous system numbers. */
export interface CountryNetworks {
  home: readonly number[];
  mobile: readonly number[];
  office: readonly number[];
}

const place = (
  country: string,
  region: string,
  city: string,
  latitude: number,
  longitude: number,
  timeZone: string,
): Place => ({ country, region, city, latitude, longitude, timeZone });

const EAST = 'America/New_York';
const CENTRAL = 'America/Chicago';
const WEST = 'America/Los_Angeles';

/** Homes and offices; the country's share of the fleet is its share of rows. */
export const HOME_PLACES: readonly Place[] = [
  place('US', 'Washington', 'Seattle', 47.6062, -122.3321, WEST),
  place('US', 'Oregon', 'Portland', 45.5152, -122.6784, WEST),
  place('US', 'California', 'San Jose', 37.3387, -121.8853, WEST),
  place('US', 'California', 'Los Angeles', 34.0522, -118.2437, WEST),
  place('US', 'California', 'San Diego', 32.7157, -117.1611, WEST),
  place('US', 'California', 'Sacramento', 38.5816, -121.4944, WEST),
  place('US', 'Arizona', 'Phoenix', 33.4484, -112.074, 'America/Phoenix'),
  place('US', 'Colorado', 'Denver', 39.7392, -104.9903, 'America/Denver'),
  place('US', 'Utah', 'Salt Lake City', 40.7608, -111.891, 'America/Denver'),
  place('US', 'Texas', 'Dallas', 32.7767, -96.797, CENTRAL),
  place('US', 'Texas', 'Houston', 29.7604, -95.3698, CENTRAL),
  place('US', 'Texas', 'Austin', 30.2672, -97.7431, CENTRAL),
  place('US', 'Minnesota', 'Minneapolis', 44.9778, -93.265, CENTRAL),
  place('US', 'Missouri', 'Kansas City', 39.0997, -94.5786, CENTRAL),
  place('US', 'Illinois', 'Chicago', 41.8781, -87.6298, CENTRAL),
  place('US', 'Tennessee', 'Nashville', 36.1627, -86.7816, CENTRAL),
  place('US', 'Georgia', 'Atlanta', 33.749, -84.388, EAST),
  place('US', 'Florida', 'Miami', 25.7617, -80.1918, EAST),
  place('US', 'Florida', 'Tampa', 27.9506, -82.4572, EAST),
  place('US', 'North Carolina', 'Charlotte', 35.2271, -80.8431, EAST),
  place('US', 'Virginia', 'Richmond', 37.5407, -77.436, EAST),
  place('US', 'Pennsylvania', 'Philadelphia', 39.9526, -75.1652, EAST),
  place('US', 'New York', 'New York', 40.7128, -74.006, EAST),
  place('US', 'Massachusetts', 'Boston', 42.3601, -71.0589, EAST),
  place('US', 'Ohio', 'Columbus', 39.9612, -82.9988, EAST),
  place('US', 'Michigan', 'Detroit', 42.3314, -83.0458, 'America/Detroit'),
  place('CA', 'Ontario', 'Toronto', 43.6532, -79.3832, 'America/Toronto'),
  place('CA', 'British Columbia', 'Vancouver', 49.2827, -123.1207, 'America/Vancouver'),
  place('GB', 'England', 'London', 51.5074, -0.1278, 'Europe/London'),
  place('GB', 'England', 'Manchester', 53.4808, -2.2426, 'Europe/London'),
  place('IE', 'Leinster', 'Dublin', 53.3498, -6.2603, 'Europe/Dublin'),
  place('DE', 'Berlin', 'Berlin', 52.52, 13.405, 'Europe/Berlin'),
  place('DE', 'Bavaria', 'Munich', 48.1351, 11.582, 'Europe/Berlin'),
  place('FR', 'Île-de-France', 'Paris', 48.8566, 2.3522, 'Europe/Paris'),
  place('NL', 'North Holland', 'Amsterdam', 52.3676, 4.9041, 'Europe/Amsterdam'),
  place('ES', 'Madrid', 'Madrid', 40.4168, -3.7038, 'Europe/Madrid'),
  place('IT', 'Lombardy', 'Milan', 45.4642, 9.19, 'Europe/Rome'),
  place('SE', 'Stockholm', 'Stockholm', 59.3293, 18.0686, 'Europe/Stockholm'),
  place('PL', 'Mazovia', 'Warsaw', 52.2297, 21.0122, 'Europe/Warsaw'),
  place('RO', 'Bucureşti', 'Bucharest', 44.4268, 26.1025, 'Europe/Bucharest'),
  place('IN', 'Karnataka', 'Bengaluru', 12.9716, 77.5946, 'Asia/Kolkata'),
  place('IN', 'Telangana', 'Hyderabad', 17.385, 78.4867, 'Asia/Kolkata'),
  place('PH', 'Metro Manila', 'Manila', 14.5995, 120.9842, 'Asia/Manila'),
  place('SG', '', 'Singapore', 1.3521, 103.8198, 'Asia/Singapore'),
  place('JP', 'Tokyo', 'Tokyo', 35.6762, 139.6503, 'Asia/Tokyo'),
  place('AU', 'New South Wales', 'Sydney', -33.8688, 151.2093, 'Australia/Sydney'),
  place('BR', 'São Paulo', 'São Paulo', -23.5505, -46.6333, 'America/Sao_Paulo'),
  place('MX', 'Mexico City', 'Mexico City', 19.4326, -99.1332, 'America/Mexico_City'),
];

/** Places from which a simulated operator drives somebody else's workstation. */
export const OPERATOR_PLACES: readonly Place[] = [
  place('CN', 'Liaoning', 'Dandong', 40.1244, 124.3831, 'Asia/Shanghai'),
  place('CN', 'Liaoning', 'Shenyang', 41.8057, 123.4315, 'Asia/Shanghai'),
  place('CN', 'Jilin', 'Yanji', 42.8917, 129.5017, 'Asia/Shanghai'),
  place('RU', 'Primorye', 'Vladivostok', 43.1155, 131.8855, 'Asia/Vladivostok'),
  place('KP', 'Pyongyang', 'Pyongyang', 39.0392, 125.7625, 'Asia/Pyongyang'),
  place('LA', 'Vientiane', 'Vientiane', 17.9757, 102.6331, 'Asia/Vientiane'),
  place('MY', 'Kuala Lumpur', 'Kuala Lumpur', 3.139, 101.6869, 'Asia/Kuala_Lumpur'),
  place('AE', 'Dubai', 'Dubai', 25.2048, 55.2708, 'Asia/Dubai'),
  place('PK', 'Sindh', 'Karachi', 24.8607, 67.0011, 'Asia/Karachi'),
  place('NG', 'Lagos', 'Lagos', 6.5244, 3.3792, 'Africa/Lagos'),
  place('UA', 'Kyiv', 'Kyiv', 50.4501, 30.5234, 'Europe/Kyiv'),
  place('IN', 'Delhi', 'New Delhi', 28.6139, 77.209, 'Asia/Kolkata'),
];

export const NETWORKS: Readonly<Record<string, CountryNetworks>> = {
  US: {
    home: [7922, 7018, 701, 20115, 20001, 22773, 209, 5650, 10796, 11427, 33363, 6128],
    mobile: [21928, 6167, 20057],
    office: [174, 3356, 6461, 7018],
  },
  CA: { home: [812, 577, 852, 6327], mobile: [812], office: [174, 577] },
  GB: { home: [2856, 5089, 5607, 13285], mobile: [25135], office: [2856, 174] },
  IE: { home: [5466], mobile: [5466], office: [5466] },
  DE: { home: [3320, 3209, 6805, 8881], mobile: [3320], office: [3320, 174] },
  FR: { home: [3215, 12322, 15557, 5410], mobile: [3215], office: [3215, 174] },
  NL: { home: [33915, 1136], mobile: [1136], office: [1136, 174] },
  ES: { home: [3352, 12479, 12430], mobile: [12430], office: [3352] },
  IT: { home: [3269, 30722, 12874], mobile: [30722], office: [3269] },
  SE: { home: [3301, 1257], mobile: [1257], office: [3301] },
  PL: { home: [5617, 12741, 21021], mobile: [5617], office: [5617] },
  RO: { home: [8708], mobile: [8708], office: [8708] },
  IN: { home: [24560, 9498, 17488, 55836], mobile: [55836], office: [9498] },
  PH: { home: [9299], mobile: [9299], office: [9299] },
  SG: { home: [3758, 4657], mobile: [4657], office: [3758] },
  JP: { home: [4713, 2516, 17676], mobile: [17676], office: [4713] },
  AU: { home: [1221, 4804, 7545], mobile: [1221], office: [1221] },
  BR: { home: [28573, 27699, 18881, 7738], mobile: [28573], office: [28573] },
  MX: { home: [8151], mobile: [8151], office: [8151] },
  CN: { home: [4837, 4134], mobile: [4837], office: [4134] },
  RU: { home: [12389], mobile: [12389], office: [12389] },
  LA: { home: [9873], mobile: [9873], office: [9873] },
  MY: { home: [4788], mobile: [4788], office: [4788] },
  AE: { home: [5384], mobile: [5384], office: [5384] },
  PK: { home: [17557], mobile: [17557], office: [17557] },
  NG: { home: [29465, 37282], mobile: [29465], office: [37282] },
  UA: { home: [25229], mobile: [25229], office: [25229] },
  KP: { home: [131279], mobile: [131279], office: [131279] },
};

/** Starlink's, and the geostationary providers' (Viasat, HughesNet) autonomous systems. */
export const LEO_ASNS: readonly number[] = [14593];
export const GEO_ASNS: readonly number[] = [7155, 6621];
/** Public clouds and server hosters out of which relays are rented. */
export const HOSTING_ASNS: readonly number[] = [16509, 14061, 24940, 16276, 20473, 63949, 60781, 62240];
/** Providers whose addresses are consumer VPN exits (M247, Datacamp, NordVPN and Mullvad's hoster). */
export const VPN_ASNS: readonly number[] = [9009, 212238, 136787, 39351];
/** Security gateways that big companies send everything through (Zscaler, Cisco Umbrella). */
export const CORPORATE_GATEWAY_ASNS: readonly number[] = [22616, 36692];

/** Tier-1 carriers whose routers answer in the middle of a path (Cogent, Lumen, Arelion, NTT, GTT). */
export const TRANSIT_ASNS: readonly number[] = [174, 3356, 1299, 2914, 3257];

/** Every autonomous system that an address may be drawn from. */
export const ALL_ASNS: ReadonlySet<number> = new Set([
  ...Object.values(NETWORKS).flatMap(({ home, mobile, office }) => [...home, ...mobile, ...office]),
  ...[LEO_ASNS, GEO_ASNS, HOSTING_ASNS, VPN_ASNS, CORPORATE_GATEWAY_ASNS, TRANSIT_ASNS].flat(),
]);

export interface VantagePlace {
  id: string;
  name: string;
  latitude: number;
  longitude: number;
}

const vantage = (id: string, name: string, latitude: number, longitude: number): VantagePlace => ({
  id,
  name,
  latitude,
  longitude,
});

/** Cloud regions where gateways stand. */
export const VANTAGE_PLACES: readonly VantagePlace[] = [
  vantage('us-west', 'The Dalles, Oregon', 45.6066, -121.1794),
  vantage('us-southwest', 'Los Angeles, California', 34.0522, -118.2437),
  vantage('us-central', 'Council Bluffs, Iowa', 41.2565, -95.9345),
  vantage('us-south', 'Dallas, Texas', 32.7767, -96.797),
  vantage('us-east', 'Ashburn, Virginia', 38.8951, -77.0364),
  vantage('ca-east', 'Toronto, Canada', 43.6511, -79.347),
  vantage('eu-west', 'London, UK', 51.5074, -0.1278),
  vantage('eu-central', 'Frankfurt, Germany', 50.1109, 8.6821),
  vantage('eu-north', 'Stockholm, Sweden', 59.3293, 18.0686),
  vantage('sa-east', 'São Paulo, Brazil', -23.5505, -46.6333),
  vantage('ap-south', 'Mumbai, India', 19.076, 72.8777),
  vantage('ap-southeast', 'Singapore', 1.3521, 103.8198),
  vantage('ap-northeast', 'Tokyo, Japan', 35.6895, 139.6917),
  vantage('ap-australia', 'Sydney, Australia', -33.8688, 151.2093),
];
