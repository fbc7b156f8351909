/**
 * What an organisation's name says about its network. The weakest knowledge there is: it decides only where overrides,
 * feeds and ASN knowledge are silent. Rules are tried in order, the first that matches wins; names are compared in
 * lower case. How well they do on lists they were not made from: `node services/enrich/category-audit.ts`.
 */
import type { NetworkCategory } from '#schemas/records.ts';

interface NameRule {
  /** The reason is `name:<rule>`. */
  readonly rule: string;
  readonly category: NetworkCategory;
  readonly pattern: RegExp;
}

const alternatives = (...parts: string[]) => new RegExp(parts.join('|'), 'u');

/** Companies whose names say nothing but whose business is known; they hold many ASNs each. */
const HOSTING_BRANDS = alternatives(
  String.raw`\b(amazon(?! river)|aws|google llc|microsoft|azure|alibaba|aliyun|tencent|oracle|digitalocean|linode|akamai|vultr|constant company|choopa)\b`,
  String.raw`\b(hetzner|ovh|scaleway|online s\.?a\.?s|iliad-entreprises|leaseweb|contabo|ionos|strato ag|netcup|myloc|keyweb|firstcolo|combahton|aixit)\b`,
  String.raw`\b(cloudflare|fastly|stackpath|incapsula|imperva|sucuri|limelight|edgecast|cachefly|bunnyway|gcore|g-core|cdn77|cdnetworks|edgio)\b`,
  String.raw`\b(godaddy|namecheap|dreamhost|liquid web|softlayer|rackspace|hivelocity|quadranet|psychz|colocrossing|racknerd|interserver|unified layer|endurance|bluehost|squarespace|wix\.com)\b`,
  String.raw`\b(kamatera|upcloud|zenlayer|datacamp|clouvider|selectel|timeweb|beget|reg\.ru|worldstream|nforce|serverius|i3d\.net|transip|combell|ikoula|aruba s\.p\.a|seeweb)\b`,
  String.raw`\b(frantech|buyvm|sharktech|nocix|wholesale internet|fdcservers|steadfast|phoenixnap|eonix|ubiquity|singlehop|internap|tierpoint|flexential|coresite|equinix|cyrusone|qts|digital realty|switch, ltd)\b`,
  String.raw`\b(byteplus|volcano engine|ucloud|kingsoft|ksyun|qingcloud|sakura internet|gmo internet|conoha|naver|kakao|salesforce|heroku|packet host|latitude\.sh|maxihost|locaweb|uol diveo|exoscale|infomaniak|hostpoint|gandi|blazing seo|stark industries|aeza|zomro|ispserver|firstvds|fornex|ruvds|pq hosting|alexhost|virtuozzo|hostkey|hostzealot|melbikomas|zappie|baykov|kaopu|cogent-hosting|gigenet|peg tech|cnservers|multacom|enzu|sejong|larus|cloudie|dmit|misaka|it7 networks|hostus|ramnode|ethernetservers|tzulo|performive|reliablesite|ovhcloud)\b`,
);

const VPN_BRANDS = alternatives(
  String.raw`vpn\b|\bvpn|\b(packethub|tefincom|surfshark|mullvad|31173 services|m247|windscribe|torguard|perfect privacy|privado|cyberghost|hide\.?me|ipvanish|hidemyass|private internet access|pvdatanet)\b`,
  String.raw`\b(proton ag|prox(y|ies)|luminati|bright data|oxylabs|smartproxy|iproyal|webshare|rayobyte|packetstream|soax|infatica|netnut)\b`,
);

const EDUCATION = alternatives(
  String.raw`universi[tdz]|universität|uniwersyt|\buniv\b|\buniv\.|\bpolyte[ck]hn|politecnic|politehnic|politechni|hochschul|college|colegio|\bcoll[eè]ge|school|schule|schola|\becole\b|école`,
  String.raw`institute? of (science|tech|adv|higher)|institut(o|e)? tecnol|educaci[oó]n|educa[cç]|educat|academ|akademi|campus|\bk-?12\b|student|faculty|egyetem|sveu[cč]ili|yliopisto|[uü]niversite|\bnren\b`,
  String.raw`research (and|&) education|education (and|&) research|research network|\b(janet|jisc|renater|garr|surfnet|surf b\.v|sunet|sikt|uninett|funet|belnet|switch$|aconet|heanet|cesnet|pionier|arnes|carnet|rediris|grnet|geant|internet2|cenic|merit network|kreonet|sinet|tanet|cernet|aarnet|canarie|reuna|cudi|kennisnet|fccn)\b`,
);

const HOSTING_STRONG = alternatives(
  String.raw`host(?!el|ess|il)(ing|ed|er|ers|s)?\b|\bhost(?!el|ess|il|line)|\bweb ?host|hosting|\bh[eé]berge|\bvps|\bvds\b|virtual (private )?server|dedicated|dedi(path|server)|[a-z]{2}host|[a-z]vps\b|[a-z]colo\b|colocat|\bcolo\b|\bcolo(cross|cent|house|hub|guy|space|cix|link|4)`,
  String.raw`data ?cent(er|re)|datacent|datasource|\bcloud|cloud\b|\biaas\b|\bcdn|content delivery|rechenzentrum|\bidc\b|servers?\b|\bserver|servidor|web services|web solutions|webspace|\bwebs?\b.*(service|solution)|domain(s| name)|registrar`,
);

const MOBILE = alternatives(
  String.raw`(?<!exxon )\bmobil(e|es|i|is|na|ink|com|y)?\b|mobile\b|wireless|cellular|cellul|\bcell ?c|\bgsm\b|\blte\b|\b[345]g\b|m[oó]vil(es)?\b|celular|\bmovistar|\bclaro m|vodacom|mobitel|mobinil|turkcell|kyivstar|lifecell|\btelcel|\bmtn\b|airtel|\bjio\b|safaricom|docomo|t-mobile`,
);

const RESIDENTIAL_STRONG = alternatives(
  String.raw`tele-?comm?|telekom|telec[oó]m|t[eé]l[eé]com|telecomunic|telefon|telef[oó]n|telephon|telcom|\btelco\b|\btel\b|telkom|telenet|telenor|telia|teleport|telesystem|teleserv|telemach`,
  String.raw`broadband|banda (ancha|larga)|\bcable|cable\b|cablevis|kabel|\bcatv|\bfib(er|re|ra)|fib(er|re|ra)\b|fibernet|\bfttx|\bftth|\b[xav]?dsl\b|provedor|\bisp\b|internet service|internet provider|acesso|wi-?fi|\bwisp\b|\btv\b|television|t[eé]l[eé]vision|rural|co-?op(erative)?\b|stadtwerke|\bvodafone|\borange\b|\bcomcast|\bcharter\b|\bcox\b|\bkpn\b|\bswisscom|\bproximus|\btelstra|\boptus`,
);

const HOSTING_WEAK = alternatives(String.raw`\bcompute\b|(?<!super)computing|virtual|\bsaas\b|\bdns\b|anycast|\bddos|\bstorage|\brack|\bstack|\bweb|nap\b|\bnodes?\b|node\b|bytes?\b|layer\b|\bdc\d*\b|e-commerce|managed services|internet solutions`);

const RESIDENTIAL_WEAK = alternatives(
  String.raw`communicat|comunica|kommunika|komunik|\binternet|internet\b|\bonline\b|on-line|\bnetcom|\bcomm?s?\b|\blink\b|link\b|\bconnect|\bspeed|\bnet\b|telem|\bconexion|conex[aã]o|\binter ?net|interneti?|satell|\bsat\b`,
);

const INSTITUTION = alternatives(
  String.raw`\bbank|banque|banco\b|insurance|assurance|versicherung|financ|invest|capital|securities|\bhospital|health|clinic|medical|pharma|laborator|ministr|government|\bgov\b|department of|\bcity of\b|\bcounty\b|\bstate of\b|municipal|council|police|army|defen[cs]e|court|parliament|senate|authority`,
  String.raw`airlines?|airways|airport|railway|motors?\b|automotive|energy|electric|\bpower\b|petrol|\boil\b|\bgas\b|mining|steel|chemical|foods?\b|retail|stores?\b|logistic|transport|shipping|hotel|casino|newspaper|broadcast|\bmedia\b|publish|consult|law\b|legal|engineering|manufactur|industr|construction|real estate|foundation|church|museum|library|trading`,
);

const COMPANY = alternatives(
  String.raw`\b(inc|corp|corporation|llc|l\.l\.c|ltd|limited|gmbh|ag|kg|s\.?a\.?s?|s\.?p\.?a|s\.?r\.?l|b\.?v|n\.?v|plc|pty|pte|oy|ab|a\/s|aps|as|sp\. z o\.o|z\.s|s\.r\.o|d\.o\.o|kft|zrt|ooo|ojsc|pjsc|jsc|sdn|bhd|ltda|eireli|s\.?l|co|company|group|holdings?|enterprises?|ev|e\.v|llp|lp)\b`,
);

const NAME_RULES: readonly NameRule[] = [
  { rule: 'tor', category: 'TOR', pattern: /\btor (exit|server|relay|network)|\btorservers|\bonion\b|stiftung erneuerbare freiheit|emerald onion|quintex alliance|artikel10|applied privacy|calyx|nos oignons|zwiebelfreunde|f3 netze/u },
  { rule: 'vpn', category: 'VPN', pattern: VPN_BRANDS },
  { rule: 'education', category: 'EDUCATION', pattern: EDUCATION },
  { rule: 'hosting-company', category: 'HOSTING', pattern: HOSTING_BRANDS },
  { rule: 'hosting', category: 'HOSTING', pattern: HOSTING_STRONG },
  { rule: 'mobile', category: 'MOBILE', pattern: MOBILE },
  { rule: 'access-provider', category: 'RESIDENTIAL', pattern: RESIDENTIAL_STRONG },
  { rule: 'institution', category: 'BUSINESS', pattern: INSTITUTION },
  { rule: 'computing', category: 'HOSTING', pattern: HOSTING_WEAK },
  { rule: 'communications', category: 'RESIDENTIAL', pattern: RESIDENTIAL_WEAK },
  { rule: 'company', category: 'BUSINESS', pattern: COMPANY },
];

/** The first rule that an organisation's name meets; null for none. */
export function ruleForName(organisation: string): NameRule | null {
  const name = organisation.toLowerCase();
  for (const rule of NAME_RULES) if (rule.pattern.test(name)) return rule;
  return null;
}
