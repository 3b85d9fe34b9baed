using System.Globalization;

namespace Microsoft.ML.Reversible.Training;

/// <summary>
/// What decides a run's curve: a run that is resumed must agree in all of it, or it would not be the same run. Where a run computes, how
/// the backward pass comes by its activations, and what it reports and keeps are not in it.
/// </summary>
/// <param name="Seed">The seed of the weights and of the order of the data.</param>
/// <param name="Source">The hash of the column's content.</param>
/// <param name="Settings">The model, the tokenizer and the options, by name.</param>
internal sealed record RunIdentity(int Seed, string Source, IReadOnlyDictionary<string, string> Settings)
{
    /// <summary>The identity of a run.</summary>
    public static RunIdentity Of(LanguageNetwork network, ReversibleLmTrainer.Options o, int seed, string source, string tokenizerHash)
    {
        var settings = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["Model"] = Describe(network.Configuration),
            ["Scheme"] = network.Stack.Scheme.ToString(),
            ["Arithmetic"] = network.Stack.Arithmetic.ToString(),
            ["Tokenizer"] = tokenizerHash,
            [nameof(o.Precision)] = o.Precision.ToString(),
            [nameof(o.ContextLength)] = Text(o.ContextLength),
            [nameof(o.DocumentBoundaries)] = o.DocumentBoundaries.ToString(),
            [nameof(o.ValidationFraction)] = Text(o.ValidationFraction),
            [nameof(o.BatchSize)] = Text(o.BatchSize),
            [nameof(o.GradientAccumulationSteps)] = Text(o.GradientAccumulationSteps),
            [nameof(o.MaxSteps)] = Text(o.MaxSteps),
            [nameof(o.LearningRate)] = Text(o.LearningRate),
            [nameof(o.Schedule)] = o.Schedule.ToString(),
            [nameof(o.FinalLearningRate)] = Text(o.FinalLearningRate),
            [nameof(o.WarmupSteps)] = Text(o.WarmupSteps),
            [nameof(o.DecaySteps)] = Text(o.EffectiveDecaySteps),
            [nameof(o.WeightDecay)] = Text(o.WeightDecay),
            [nameof(o.Beta1)] = Text(o.Beta1),
            [nameof(o.Beta2)] = Text(o.Beta2),
            [nameof(o.Epsilon)] = Text(o.Epsilon),
            [nameof(o.MaxGradNorm)] = Text(o.MaxGradNorm),
            [nameof(o.LabelSmoothing)] = Text(o.LabelSmoothing),
            [nameof(o.OptimizerPlacement)] = o.OptimizerPlacement.ToString(),
            [nameof(o.OutlierFactor)] = Text(o.OutlierFactor),
            [nameof(o.OverfitOneBatch)] = o.OverfitOneBatch.ToString(),
            [nameof(o.EvaluationInterval)] = Text(o.EvaluationInterval),
            [nameof(o.EvaluationBatches)] = Text(o.EvaluationBatches),
            [nameof(o.EarlyStoppingPatience)] = Text(o.EarlyStoppingPatience),
        };
        return new RunIdentity(seed, source, settings);
    }

    /// <exception cref="InvalidOperationException">The run asked for is another one; the message lists what differs.</exception>
    public void Require(RunIdentity asked, string checkpoint)
    {
        List<string> differences = [];
        if (asked.Seed != Seed) differences.Add($"Seed was {Seed} and is now {asked.Seed}");
        if (asked.Source != Source) differences.Add("the training data has changed");
        foreach (string name in Settings.Keys.Union(asked.Settings.Keys))
        {
            string was = Settings.GetValueOrDefault(name, "not set"), now = asked.Settings.GetValueOrDefault(name, "not set");
            if (was != now) differences.Add($"{name} was {was} and is now {now}");
        }
        if (differences.Count > 0)
            throw new InvalidOperationException(
                $"The checkpoint '{checkpoint}' is of another run: {string.Join("; ", differences)}. " +
                "Ask for the same run, or give this one a CheckpointFolder of its own; " +
                "to train on from the weights alone, name the checkpoint as PretrainedFolder.");
    }

    /// <summary>The shape with all that follows from what was left out, which is how a folder gives it back.</summary>
    private static string Describe(LanguageModelConfiguration shape)
    {
        string common = string.Create(CultureInfo.InvariantCulture, $"{shape.Family} with vocabulary {shape.VocabularySize}, context " +
            $"{shape.ContextLength}, {shape.LayerCount} layers, {shape.HeadCount} heads, width {shape.Width}, " +
            $"MLP width {shape.HiddenWidth}, epsilon {shape.NormEpsilon}, {(shape.TiedHead ? "tied" : "untied")} head");
        return shape switch
        {
            GptConfiguration gpt => $"{common}, {gpt.Activation}",
            LlamaConfiguration llama => string.Create(CultureInfo.InvariantCulture,
                $"{common}, {llama.KeyValueHeads} heads of keys and values, head width {llama.HeadSize}, rotary base {llama.RopeTheta}"),
            _ => common,
        };
    }

    private static string Text(IFormattable value) => value.ToString(null, CultureInfo.InvariantCulture);
}
