/** Why a goal may be missed and why an honest kind may be accused: what the page says where the figures fall short. */

/** By the goal's title. */
export const GOAL_REASONS: Readonly<Record<string, string>> = {
  'proxy, hidden leg ≥ 80 ms':
    'whoever is missed was piloted from the first session at a hosted desktop: the desktop may stand in another region than its gateway, so a gap alone is not enough for MEDIUM there where nothing else speaks.',
  'proxy, 40–80 ms': 'slow machines of +70 ms show the same gap. What tells them apart is the leg’s own jitter, which stands in the intervals as well as in the latencies; a calm operator’s line has little of it, and at gateways and bastions it cannot be told from the transport’s.',
  'proxy, 25–40 ms': 'without an honest history the gap lies inside what slow machines and heavy applications show. Only the jitter that intervals and latencies share adds to it, and at gateways and bastions not even that.',
  'proxy, 15–25 ms': 'such a leg is shorter than the spread between honest machines. It can be seen against the device’s own history, or by jitter that intervals and latencies share; a calm line at a gateway shows neither.',
  'lagged remote desktop': 'some remote desktops have neither a tool on the machine nor virtual input, and batch on a raster that a local display has too.',
  'packet-level VPN from abroad': 'a packet-level tunnel leaves no gap. What is left is a round trip too long for the claimed place; through a residential exit with an operator 90 ms away, a slow last mile explains it as well, a line that queues hides a part of it until it was looked at in many minutes, and where the vantage stands thousands of kilometres from that place, the way may be as long honestly.',
  'handover in mid-session': 'a short leg after the handover looks like an application that became slow; the change is only believed once it has lasted.',
  'laptop farm of ≥ 5': 'a farm must first be seen to take turns, which needs some of its working day, and farms behind an IP-KVM show no gap.',
  'IP-KVM without visible lag': 'the leg never shows in the registration latency. Without a known device or display a rhythm unlike the enrolled one is all that is left, which is LOW at most, as for any other account whose rhythm alone changed; and of a person piloted from the first session, who has enrolled the operator, there is nothing to see: what the leg adds between two presses is a few milliseconds under a spread of a hundred. Half of this row’s people are without any trace, and some of the others show a keyboard only that is on no list or passes for a KVM switch, so by the rule that rhythm alone is LOW at most the row cannot reach more than about 50% at MEDIUM; the goal’s 80% is out of its reach while that rule stands. The column “any level” counts those whose rhythm was seen to change.',
  'night operator': 'honest shift workers and night owls live the same hours, so hours open nothing alone, and half of these operators show no lag: of those who were never seen honest, a quarter of the row, hours are all that is left, and a night owl shows as much, so that the row cannot reach more than about 75–80%. Of the others, the rest types like the person whose place they took.',
  'one operator on ≥ 3 identities': 'the identities share a pair of hands and nothing else that is certain: neither address nor device. Half of the people are as alike as 100 to 1 with themselves, which is little among the many who are never at work together and must be enough for each identity by itself; with an operator change, a visible leg or three identities that agree well it is, and otherwise often LOW. Nobody is compared before 800 keystrokes, which who types a few minutes a day has after two or three days; at a bastion, where holds are not seen, and at a desktop gateway on a restless line nobody is, which leaves a group without those of its identities.',
  'account handover, another network': 'rhythm and novelty together must say that it is not the same person who moved, and one stranger in six types so much like the enrolled person that the rhythm says nothing.',
  'account handover, rhythm alone (LOW at most)': 'rhythm is compared with the enrolled profile of the same person only, and some strangers type alike. Where the new hands agree with those of another account as well, it is no longer rhythm alone (`oneOperator`), and may reach MEDIUM by chance.',
};

/** By the honest kind. */
export const HONEST_REASONS: Readonly<Record<string, string>> = {
  'satellite-pep': 'the provider ends the transport in the ground station, so a hop of 600 ms shows as a hidden leg would. A sensor on the machine tells them apart by what it saw of the typing, and so does an address of a satellite provider; a gateway sees neither.',
  'corporate-proxy': 'a gateway that ends the transport is, by its mechanics, a proxy with a hidden leg. It is learnt from three of its people, two where it is declared (NetworkPolicy CORPORATE_EGRESS); until then, and where fewer use it, nothing tells the two apart, unless the address belongs to a provider of such gateways; in a business network a gap alone stays LOW for that reason.',
  'corporate-vpn': 'the way over a far egress is longer than the way to the declared place allows; declare the egress, or let it become common.',
  'vdi-elsewhere': 'the honest way from the gateway to the host adds a constant gap; people whose desktop alone stands elsewhere have no peers who share it.',
  'slow-pc': 'a constant extra delay is the very picture of a short hidden leg.',
  'slow-pc-later': 'a machine that becomes slow overnight looks like an operator who took over.',
  'heavy-app': 'load moves the gap in waves, as a busy line behind a proxy would.',
  'moved-range': 'the database says that the person sits in another country; nothing in the session contradicts it until the range is known to be wrong.',
  plain: 'whose only finding is `remoteControl` has at the desk, by assumption, what a network KVM is made of, and is told of each day anew; an analyst’s BENIGN ends that.',
  satellite: 'queues and retransmissions of the satellite hop are larger than the smoothed round trip shows.',
  accessibility: 'injected input is what automation looks like.',
  helpdesk: 'while the technician types, the session is piloted; only the approved tool explains it.',
  'night-owl': 'unusual hours open nothing alone; they add a little to whatever else is there.',
  'shift-worker': 'unusual hours open nothing alone; they add a little to whatever else is there.',
};
