using System.Globalization;
using Microsoft.ML.Reversible.Data;
using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Tokenizers;

namespace Microsoft.ML.Reversible.Training;

/// <summary>
/// What decides a run's curve: a run that is resumed must agree in all of it, or it would not be the same run. Where a run computes, how
/// the backward pass comes by its activations, and what it reports and keeps are not in it.
/// </summary>
/// <param name="Seed">The seed of the weights and of the order of the data.</param>
/// <param name="Source">The hash of the column's content; null before it has been read.</param>
/// <param name="Settings">The model, the tokenizer and the options, by name.</param>
internal sealed record RunIdentity(int Seed, string? Source, IReadOnlyDictionary<string, string> Settings)
{
    /// <summary>How a tokenizer is learned. Where one run is given what the other learned, the tokenizers are compared.</summary>
    private static readonly string[] _learning =
        [nameof(ReversibleLmTrainer.Options.Tokenization), nameof(ReversibleLmTrainer.Options.VocabularySize)];

    /// <summary>What is known of a run before its data is read, so that another run is refused at once.</summary>
    /// <param name="o">The options.</param>
    /// <param name="isText">Whether the column is text, not token ids.</param>
    /// <param name="seed">The seed.</param>
    public static RunIdentity Of(ReversibleLmTrainer.Options o, bool isText, int seed)
    {
        var settings = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["Weights"] = o.PretrainedFolder is null ? "new" : "from a PretrainedFolder",
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
        if (o.Deterministic) settings[nameof(o.Deterministic)] = o.Deterministic.ToString();
        if (o.FreezeEmbedding) settings[nameof(o.FreezeEmbedding)] = o.FreezeEmbedding.ToString();
        if (o.FrozenLayerCount > 0) settings[nameof(o.FrozenLayerCount)] = Text(o.FrozenLayerCount);
        if (o.PretrainedFolder is null) AddNew(settings, o, isText);
        return new RunIdentity(seed, Source: null, settings);
    }

    /// <summary>The whole identity, now that the model and the tokens are there.</summary>
    public RunIdentity With(LanguageNetwork network, TokenCache tokens)
    {
        var settings = new SortedDictionary<string, string>(Settings.ToDictionary(), StringComparer.Ordinal)
        {
            ["Vocabulary"] = Text(network.Configuration.VocabularySize),
            ["Tokenizer"] = tokens.TokenizerHash,
        };
        settings.TryAdd("Model", Describe(network.Configuration));
        settings.TryAdd("Scheme", network.Stack.Scheme.ToString());
        settings.TryAdd("Arithmetic", network.Stack.Arithmetic.ToString());
        return this with { Source = tokens.SourceHash, Settings = settings };
    }

    /// <summary>The identity with more settings; known ones are replaced.</summary>
    public RunIdentity With(IEnumerable<KeyValuePair<string, string>> settings)
    {
        var all = new SortedDictionary<string, string>(Settings.ToDictionary(), StringComparer.Ordinal);
        foreach (var (name, value) in settings) all[name] = value;
        return this with { Settings = all };
    }

    /// <exception cref="InvalidOperationException">The run asked for is another one; the message lists what differs.</exception>
    public void Require(RunIdentity asked, string checkpoint)
    {
        List<string> differences = [];
        if (asked.Seed != Seed) differences.Add($"Seed was {Seed} and is now {asked.Seed}");
        if (asked.Source is not null && asked.Source != Source) differences.Add("the training data has changed");
        foreach (string name in asked.Source is null ? asked.Settings.Keys : Settings.Keys.Union(asked.Settings.Keys))
        {
            if (_learning.Contains(name) && !(Settings.ContainsKey(name) && asked.Settings.ContainsKey(name))) continue;
            string was = Settings.GetValueOrDefault(name, "not set"), now = asked.Settings.GetValueOrDefault(name, "not set");
            if (was != now) differences.Add($"{name} was {was} and is now {now}");
        }
        if (differences.Count > 0)
            throw new InvalidOperationException(
                $"The checkpoint '{checkpoint}' is of another run: {string.Join("; ", differences)}. " +
                "Ask for the same run, or give this one a CheckpointFolder of its own; " +
                "to train on from the weights alone, name the checkpoint as PretrainedFolder.");
    }

    /// <summary>What the options say of a model that is made new. From a folder, the folder says it.</summary>
    private static void AddNew(SortedDictionary<string, string> settings, ReversibleLmTrainer.Options o, bool isText)
    {
        settings["Model"] = Describe(o.ConfigurationFor(vocabularySize: 1));
        settings["Scheme"] = o.Scheme.ToString();
        settings["Arithmetic"] = o.EffectiveArithmetic.ToString();
        if (o.Tokenizer is not null || o.TokenizerPath is not null) return;
        if (isText) settings[nameof(o.Tokenization)] = o.Tokenization.ToString();
        if (!isText || o.Tokenization == TextTokenization.Bpe) settings[nameof(o.VocabularySize)] = Text(o.VocabularySize);
    }

    /// <summary>The shape but for its vocabulary, with what follows from what was left out: so a folder gives it back.</summary>
    internal static string Describe(LanguageModelConfiguration shape)
    {
        string common = string.Create(CultureInfo.InvariantCulture, $"{shape.Family} with context " +
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
