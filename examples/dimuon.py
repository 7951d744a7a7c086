"""From a file to a mass spectrum: python examples/dimuon.py (needs: pip install rntuple awkward matplotlib)."""

from pathlib import Path

import awkward as ak
import matplotlib
import numpy as np
import rntuple

matplotlib.use("Agg")
import matplotlib.pyplot as plt

events = rntuple.open(Path(__file__).with_name("dimuon.root"))["Events"]
muons = events.arrays(filter_name="Muon_*", how="zip").Muon
first, second = ak.unzip(ak.combinations(muons, 2))
opposite = first.charge != second.charge
first, second = first[opposite], second[opposite]
# The mass of two light particles.
mass = np.sqrt(2 * first.pt * second.pt * (np.cosh(first.eta - second.eta) - np.cos(first.phi - second.phi)))
plt.hist(ak.flatten(mass), bins=np.geomspace(0.5, 150, 80), histtype="stepfilled")
plt.gca().set(xscale="log", xlabel="mass of two muons of opposite charge [GeV]", ylabel="pairs", title=events.name)
plt.savefig("dimuon.png", dpi=120)
print(f"{ak.count(mass)} pairs of {events.num_entries} events: see dimuon.png")
