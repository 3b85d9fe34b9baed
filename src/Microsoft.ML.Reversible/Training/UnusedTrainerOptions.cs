using static Microsoft.ML.Reversible.ReversibleLmTrainer;

namespace Microsoft.ML.Reversible.Training;

/// <summary>Tells which of a trainer's options have no effect beside the others, so that they are refused and not passed over.</summary>
internal static class UnusedTrainerOptions
{
    /// <summary>What a folder says of its model.</summary>
    private static readonly string[] _ofTheFolder =
    [
        nameof(Options.Family), nameof(Options.Scheme), nameof(Options.LayerCount), nameof(Options.HeadCount),
        nameof(Options.KeyValueHeadCount), nameof(Options.Width), nameof(Options.MlpWidth), nameof(Options.Activation),
        nameof(Options.TiedHead), nameof(Options.Tokenization), nameof(Options.VocabularySize),
    ];

    /// <summary>Lists the options that have no effect.</summary>
    /// <param name="o">The options.</param>
    /// <param name="asksForGpu">Whether the run is to compute on a GPU.</param>
    /// <param name="isText">Whether the column is text, not token ids; null where it is not known yet.</param>
    public static IEnumerable<UnusedOption> Of(Options o, bool asksForGpu, bool? isText = null) =>
        [.. OfModel(o, asksForGpu), .. OfTokenizer(o, isText), .. OfOptimization(o), .. OfEvaluation(o), .. OfCheckpoints(o)];

    /// <summary>Tells that a model keeps no layers' activations, where its way back is not the reversible one.</summary>
    /// <param name="wayBack">The model's way back.</param>
    /// <param name="scheme">Its scheme.</param>
    public static UnusedOption KeptLayers(WayBack wayBack, Scheme scheme)
    {
        string which = wayBack == WayBack.Stored ? "all layers" : "no layer";
        return new(nameof(Options.KeptLayerCount), $"where WayBack is {wayBack}, which keeps the activations of {which}",
            scheme.IsReversible ? "set WayBack to Reversible" : "set Scheme to one that can be run backwards");
    }

    /// <summary>Tells that a run on the CPU repeats to the bit without being told to.</summary>
    public static UnusedOption DeterministicOnCpu { get; } =
        new(nameof(Options.Deterministic), "on the CPU, where a run gives the same bits every time anyway", "set Device to a GPU");

    private static IEnumerable<UnusedOption> OfModel(Options o, bool asksForGpu)
    {
        if (o.PretrainedFolder is not null)
        {
            foreach (string option in _ofTheFolder)
                yield return new(option, "where PretrainedFolder is set: it is the folder's",
                    "leave out PretrainedFolder to train a new model");
        }
        else if (o.Family == ModelFamily.Gpt2)
            yield return new(nameof(o.KeyValueHeadCount), "in the GPT-2 family: it is for the Llama family", "set Family to Llama");
        else
            yield return new(nameof(o.Activation), "in the Llama family, which has SwiGLU: it is for the GPT-2 family",
                "set Family to Gpt2");

        // Without either, the folder's scheme decides, which is known when it has been loaded.
        if ((o.WayBack ?? (o.PretrainedFolder is null ? o.EffectiveWayBack : null)) is { } wayBack && wayBack != WayBack.Reversible)
            yield return KeptLayers(wayBack, o.Scheme);
        if (!asksForGpu) yield return DeterministicOnCpu;
    }

    private static IEnumerable<UnusedOption> OfTokenizer(Options o, bool? isText)
    {
        if (o.PretrainedFolder is not null) yield break;
        if (o.Tokenizer is not null || o.TokenizerPath is not null)
        {
            string given = o.Tokenizer is not null ? nameof(o.Tokenizer) : nameof(o.TokenizerPath);
            string where = $"where {given} is set, so that no tokenizer is learned", remedy = $"leave out {given}";
            yield return new(nameof(o.Tokenization), where, remedy);
            yield return new(nameof(o.VocabularySize), where, remedy);
        }
        else if (isText == false)
            yield return new(nameof(o.Tokenization), "for a column of token ids, which are tokens already", "train on a column of text");
        else if (isText == true && o.Tokenization != TextTokenization.Bpe)
            yield return new(nameof(o.VocabularySize), $"where Tokenization is {o.Tokenization}, which finds its own number of tokens",
                "set Tokenization to Bpe");
    }

    private static IEnumerable<UnusedOption> OfOptimization(Options o)
    {
        if (o.Schedule == LearningRateScheduleKind.Constant)
            yield return new(nameof(o.FinalLearningRate), "where Schedule is Constant", "set Schedule to Cosine or Linear");
        if (o.Schedule != LearningRateScheduleKind.WarmupStableDecay)
            yield return new(nameof(o.DecaySteps), $"where Schedule is {o.Schedule}", "set Schedule to WarmupStableDecay");
        if (o.OptimizerPlacement == OptimizerPlacement.AfterBackward)
            yield return new(nameof(o.ClipWithPreviousNorm),
                "where OptimizerPlacement is AfterBackward: the step's own norm is known when it is clipped",
                "set OptimizerPlacement to InsideBackward");
        else if (o.MaxGradNorm == 0)
            yield return new(nameof(o.ClipWithPreviousNorm), "where MaxGradNorm is 0, which does not clip", "set MaxGradNorm above 0");
    }

    private static IEnumerable<UnusedOption> OfEvaluation(Options o)
    {
        if (o.ValidationFraction != 0) yield break;
        foreach (string option in new[]
        {
            nameof(o.EvaluationInterval), nameof(o.EvaluationBatches), nameof(o.EarlyStoppingPatience), nameof(o.ReturnBest),
        })
            yield return new(option, "where ValidationFraction is 0, so that nothing is evaluated", "set ValidationFraction above 0");
    }

    private static IEnumerable<UnusedOption> OfCheckpoints(Options o)
    {
        if (o.CheckpointFolder is null)
        {
            foreach (string option in new[]
            {
                nameof(o.CheckpointInterval), nameof(o.CheckpointsKept), nameof(o.Resume), nameof(o.DamagedCheckpoint),
                nameof(o.ReturnBest),
            })
                yield return new(option, "without a CheckpointFolder", "set CheckpointFolder");
        }
        else if (o.Resume == ResumeMode.Never)
            yield return new(nameof(o.DamagedCheckpoint), "where Resume is Never, so that no checkpoint is read",
                "set Resume to IfPresent or Required");
    }
}
