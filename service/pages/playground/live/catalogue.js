// What a page without the service offers in its fields: the schemes and activations that this browser draws itself.
import { activations, schemes } from "../initserve.js";

const CHOICES = {
  mode: ["fan_in", "fan_out", "fan_avg", "fan_geo_avg"],
  distribution: ["truncated_normal", "untruncated_normal", "uncorrected_normal", "uniform"],
};

const parameterOf = ([name, value]) => ({ name, default: value, required: false, ...(name in CHOICES && { enum: CHOICES[name] }) });

// {schemes, activations} in the form of GET /schemes and GET /activations.
export const catalogue = () => ({
  schemes: Object.entries(schemes).map(([name, defaults]) => ({ name, aliases: [], parameters: Object.entries(defaults).map(parameterOf) })),
  activations: activations.map((name) => ({ name })),
});
