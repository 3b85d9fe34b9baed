using System.Globalization;

namespace Microsoft.ML.Reversible.Stability;

/// <summary>Says in words what would help.</summary>
internal static class StabilitySuggestion
{
    /// <summary>Streams that are rebuilt this exactly, relative to their size, leave gradients as float32 training knows them.</summary>
    private const double Harmless = 1e-4;

    public static string Of(Scheme scheme, Arithmetic arithmetic, IReadOnlyList<LayerStability> layers)
    {
        if (!scheme.IsReversible)
            return "This scheme has no way back: take a reversible one to train in memory that does not grow with depth.";
        bool exact = arithmetic == Arithmetic.Exact, drifts = !exact && layers.Max(l => l.RebuildError?.Relative ?? 0) > Harmless;
        string kept = exact ? "Exact arithmetic rebuilds the streams to the bit whatever the growth backward. " : "";
        string advice = string.Join("; or ", Advice(scheme, exact, drifts, layers));
        if (advice.Length == 0)
        {
            string nothing = layers.Any(l => l.GrowsLinearly) ? "Linear growth is slow: at this depth nothing" : "Nothing";
            return $"{kept}{nothing} needs to change.";
        }
        if (drifts) return $"{char.ToUpperInvariant(advice[0])}{advice[1..]}.";
        return exact
            ? $"{kept}Forward, hidden states near one another part. To lessen that: {advice}."
            : $"{kept}At this depth the growth does no harm to what is rebuilt. For a much deeper network: {advice}.";
    }

    private static IEnumerable<string> Advice(Scheme scheme, bool exact, bool drifts, IReadOnlyList<LayerStability> layers)
    {
        // Rounding errors are what grows on the way back, and exact arithmetic makes none.
        Func<Growth, double> harm = exact ? growth => growth.Forward : growth => growth.Worst;
        double worst = layers.Max(l => harm(l.Growth));
        bool grows = worst > Growth.Noise;
        if (!grows && !drifts) yield break;
        if (!exact && scheme.CanBeExact) yield return "use exact arithmetic, which rebuilds every stream to the bit";
        if (!scheme.CanBeExact)
            yield return "take another scheme and retrain: this one cannot be exact, while midpoint, leapfrog, Hamiltonian, estimator "
                + "and BDIA can";
        if (!grows) yield break;
        SchemeCondition condition = SchemeCondition.Of(scheme);
        if (condition is { StepSize: { } h, WithStepSize: { } with } && Lower(with(h / 2), layers, worst, harm) is { } smaller)
        {
            yield return $"use a smaller h and retrain: on the same eigenvalues {Text(h / 2)} would bring growth down to {Text(smaller)} "
                + "a layer";
        }
        if (Other(scheme, condition.StepSize ?? 0.5, layers, worst, harm) is { } other) yield return other;
    }

    /// <summary>Midpoint or leapfrog with the same step size, if it grows clearly less on the same eigenvalues.</summary>
    private static string? Other(Scheme scheme, double h, IReadOnlyList<LayerStability> layers, double worst, Func<Growth, double> harm)
    {
        // Eigenvalues of the product of two halves, or of two blocks together, say nothing of the one whole block's.
        if (scheme is Hamiltonian or Estimator) return null;
        return new Scheme[] { new Midpoint(h), new Leapfrog(h) }
            .Where(s => s.Name != scheme.Name)
            .Select(s => (Scheme: s, Growth: Lower(s, layers, worst, harm)))
            .Where(s => s.Growth is not null)
            .OrderBy(s => s.Growth)
            .Select(s =>
                $"take another scheme and retrain: on the same eigenvalues {s.Scheme} would grow by {Text(s.Growth!.Value)} a layer")
            .FirstOrDefault();
    }

    /// <summary>
    /// The worst growth that a scheme would have on these eigenvalues, if at least a quarter of the present growth is gone.
    /// </summary>
    private static double? Lower(Scheme scheme, IReadOnlyList<LayerStability> layers, double worst, Func<Growth, double> harm)
    {
        IReadOnlyList<LayerRecurrence> recurrences = LayerRecurrence.Of(scheme, layers.Count);
        double growth = layers.Max(l => l.Eigenvalues.Max(e => harm(recurrences[l.Layer].At(e.Value))));
        return growth - 1 < 0.75 * (worst - 1) ? growth : null;
    }

    private static string Text(double value) => value.ToString("G4", CultureInfo.InvariantCulture);
}
