using Microsoft.ML.Reversible.Losses;
using Microsoft.ML.Reversible.Training;
using static Microsoft.ML.Reversible.RetrofitEstimator;

namespace Microsoft.ML.Reversible.Retrofitting;

/// <summary>Tells which of a retrofit's options have no effect beside the others, so that they are refused and not passed over.</summary>
internal static class UnusedRetrofitOptions
{
    private const string WithoutDistillation = "where Distill is false, so that nothing is trained";
    private const string Distill = "set Distill to true";

    private static readonly string[] _ofDistillation =
    [
        nameof(Options.Divergence), nameof(Options.JensenShannonWeight), nameof(Options.Temperature), nameof(Options.CrossEntropyWeight),
        nameof(Options.HiddenStateWeight), nameof(Options.LayerMap), nameof(Options.TeacherTopK), nameof(Options.TeacherCachePath),
    ];

    private static readonly string[] _ofTraining =
    [
        nameof(Options.Training.WayBack), nameof(Options.Training.KeptLayerCount), nameof(Options.Training.Deterministic),
        nameof(Options.Training.FreezeEmbedding), nameof(Options.Training.FrozenLayerCount),
        nameof(Options.Training.GradientAccumulationSteps), nameof(Options.Training.MaxSteps), nameof(Options.Training.LearningRate),
        nameof(Options.Training.Schedule), nameof(Options.Training.FinalLearningRate), nameof(Options.Training.WarmupSteps),
        nameof(Options.Training.DecaySteps), nameof(Options.Training.WeightDecay), nameof(Options.Training.Beta1),
        nameof(Options.Training.Beta2), nameof(Options.Training.Epsilon), nameof(Options.Training.MaxGradNorm),
        nameof(Options.Training.OptimizerPlacement), nameof(Options.Training.ClipWithPreviousNorm),
        nameof(Options.Training.OutlierFactor), nameof(Options.Training.MaxSkippedSteps), nameof(Options.Training.OverfitOneBatch),
        nameof(Options.Training.Seed), nameof(Options.Training.EvaluationInterval), nameof(Options.Training.EvaluationBatches),
        nameof(Options.Training.EarlyStoppingPatience), nameof(Options.Training.ReturnBest), nameof(Options.Training.ReportInterval),
        nameof(Options.Training.MetricsPath), nameof(Options.Training.CheckpointFolder), nameof(Options.Training.CheckpointInterval),
        nameof(Options.Training.CheckpointsKept), nameof(Options.Training.Resume), nameof(Options.Training.DamagedCheckpoint),
    ];

    /// <summary>Lists the retrofit's own options that have no effect.</summary>
    public static IEnumerable<UnusedOption> Of(Options o) => [.. OfTeacher(o), .. OfScheme(o), .. OfLoss(o)];

    /// <summary>Lists the options of <see cref="Options.Training"/> that have no effect.</summary>
    /// <param name="o">The retrofit's options.</param>
    /// <param name="asksForGpu">Whether the student is to compute on a GPU.</param>
    public static IEnumerable<UnusedOption> OfTraining(Options o, bool asksForGpu) => o.Distill
        ? UnusedTrainerOptions.Of(o.Training, asksForGpu)
        : _ofTraining.Select(option => new UnusedOption(option, WithoutDistillation, Distill));

    /// <summary>Whether a scheme has a step size that can be searched for.</summary>
    public static bool HasStepSize(Scheme scheme) => scheme is Midpoint or Leapfrog;

    private static IEnumerable<UnusedOption> OfTeacher(Options o)
    {
        if (o.Teacher is null) yield break;
        foreach (string option in new[] { nameof(o.TeacherDevice), nameof(o.TeacherPrecision) })
            yield return new(option, "where Teacher is a loaded model, which computes where it is", "name its folder as TeacherPath");
    }

    private static IEnumerable<UnusedOption> OfScheme(Options o)
    {
        if (o.StudentPath is not null)
        {
            foreach (string option in new[] { nameof(o.Scheme), nameof(o.ChooseScheme), nameof(o.SearchStepSize) })
                yield return new(option, "where StudentPath is set, since a student from a folder has its scheme",
                    "leave out StudentPath");
        }
        else if (o.ChooseScheme)
        {
            yield return new(nameof(o.Scheme), "with ChooseScheme, which chooses another", "do without ChooseScheme");
            yield return new(nameof(o.SearchStepSize), "with ChooseScheme, which searches in any case", "do without ChooseScheme");
        }
        else if (!HasStepSize(o.Scheme))
            yield return new(nameof(o.SearchStepSize), $"with the scheme {o.Scheme}, which has no step size",
                "name midpoint or leapfrog as Scheme");

        if (o.ChooseScheme && o.StudentPath is null) yield break;
        foreach (string option in new[] { nameof(o.MaxSideGiB), nameof(o.MaxRelativeCost) })
            yield return new(option, "without ChooseScheme, whose choice it limits", "ask for ChooseScheme");
    }

    private static IEnumerable<UnusedOption> OfLoss(Options o)
    {
        if (!o.Distill)
        {
            foreach (string option in _ofDistillation) yield return new(option, WithoutDistillation, Distill);
            yield break;
        }
        if (o.CrossEntropyWeight == 1)
        {
            foreach (string option in new[] { nameof(o.Divergence), nameof(o.JensenShannonWeight), nameof(o.Temperature) })
                yield return new(option, "where CrossEntropyWeight is 1, which leaves the divergence no weight",
                    "set CrossEntropyWeight below 1");
        }
        else if (o.Divergence != Divergence.JensenShannon)
            yield return new(nameof(o.JensenShannonWeight), $"where Divergence is {o.Divergence}", "set Divergence to JensenShannon");
        if (o.HiddenStateWeight == 0)
            yield return new(nameof(o.LayerMap), "where HiddenStateWeight is 0", "set HiddenStateWeight above 0");
        if (o.TeacherTopK == 0)
            yield return new(nameof(o.TeacherCachePath), "where TeacherTopK is 0", "set TeacherTopK above 0");
    }
}
