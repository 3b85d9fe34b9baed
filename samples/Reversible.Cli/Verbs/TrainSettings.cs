using System.CommandLine;
using Microsoft.ML.Reversible.Cli.Options;

namespace Microsoft.ML.Reversible.Cli.Verbs;

/// <summary>The options of 'train' that set properties of the trainer's options.</summary>
internal static class TrainSettings
{
    /// <summary>Properties of the trainer's options that the command line has no use for, and why.</summary>
    public static readonly IReadOnlyDictionary<string, string> LeftOut = new Dictionary<string, string>
    {
        [nameof(ReversibleLmTrainer.Options.TextColumnName)] = "the data has one column",
        [nameof(ReversibleLmTrainer.Options.LogLikelihoodColumnName)] = "no columns are written",
        [nameof(ReversibleLmTrainer.Options.TokenCountColumnName)] = "no columns are written",
        [nameof(ReversibleLmTrainer.Options.PerplexityColumnName)] = "no columns are written",
        [nameof(ReversibleLmTrainer.Options.Progress)] = "it is what is shown",
        [nameof(ReversibleLmTrainer.Options.CancellationToken)] = "Ctrl+C cancels",
    };

    /// <summary>The options.</summary>
    public static SettingTable<ReversibleLmTrainer.Options> Table() => new SettingTable<ReversibleLmTrainer.Options>()
        .Group("Model")
        .Add(o => o.Scheme,
            "The recurrence over the layers: midpoint, midpoint:H with a step size, midpoint-a:A, leapfrog:H, hamiltonian:H, bdia:k=K, or "
            + "residual, which is the standard transformer and is not reversible.", byDefault: "midpoint")
        .Add(o => o.WayBack, "How the backward pass comes by its activations: rebuilt, recomputed or kept.",
            byDefault: "reversible where the scheme is, else stored")
        .Add(o => o.Arithmetic, "The numbers that the streams between the layers are made of; exact ones are rebuilt to the bit.",
            byDefault: "exact for bdia, float for the others")
        .Add(o => o.LayerCount, "Number of blocks, at least 1.")
        .Add(o => o.HeadCount, "Number of attention heads, at least 1; it divides the width.")
        .Add(o => o.Width, "Length of the streams' vectors, at least 1.")
        .Add(o => o.ContextLength, "Tokens that a window holds, at least 1.")
        .Add(o => o.Activation, "The function between the two layers of a block's MLP.")
        .Group("Text")
        .Add(o => o.Tokenization, "What becomes a token.")
        .Add(o => o.VocabularySize, "Tokens that bpe learns, end of text included, at least 257.")
        .Add(o => o.ValidationFraction,
            "The part of the tokens, from the end, that is held out for validation; within [0, 1), 0 holds out nothing.")
        .Group("Optimization")
        .Add(o => o.MaxSteps, "Optimizer steps, at least 1.")
        .Add(o => o.BatchSize, "Windows in a batch, at least 1.")
        .Add(o => o.GradientAccumulationSteps, "Batches whose gradients are added up before the optimizer steps, at least 1.")
        .Add(o => o.LearningRate, "The learning rate after the warm-up, positive.")
        .Add(o => o.FinalLearningRate, "The learning rate at the last step; from 0 to the learning rate.", byDefault: "a tenth of it")
        .Add(o => o.WarmupSteps, "Steps over which the learning rate rises; from 0 to the number of steps.",
            byDefault: "a tenth of that number, at most 100")
        .Add(o => o.WeightDecay, "AdamW's decoupled weight decay of matrices, at least 0.")
        .Add(o => o.Beta1, "AdamW's decay of the gradient's running mean, within [0, 1).")
        .Add(o => o.Beta2, "AdamW's decay of the squared gradient's running mean, within [0, 1).")
        .Add(o => o.Epsilon, "What AdamW adds to the denominator, positive.")
        .Add(o => o.MaxGradNorm, "The global norm that gradients are clipped to, at least 0; 0 means not to clip.")
        .Group("Run")
        .Add(o => o.Device, "Where to compute: cpu, cuda, or cuda:1 for the second GPU and so on.", "cpu|cuda|cuda:N", "cpu")
        .Add(o => o.Precision, "The number type in which the blocks compute; weights and optimizer state are float32 in either case.")
        .Add(o => o.Seed, "Seeds the weights and the order of the data: with one seed, two runs on the CPU agree to the bit.",
            byDefault: "a fixed one")
        .Add(o => o.EvaluationInterval, "Steps between evaluations on the held-out part, at least 1.")
        .Add(o => o.EvaluationBatches,
            "Batches that an evaluation during the run takes at most, at least 1; the last one takes the whole part.")
        .Add(o => o.ReportInterval, "Steps between reports of progress, at least 1.");

    /// <summary>The trainer's options; those that go by others do so where they were not typed.</summary>
    public static ReversibleLmTrainer.Options Read(SettingTable<ReversibleLmTrainer.Options> table, ParseResult parsed)
    {
        ReversibleLmTrainer.Options options = table.Read(parsed);
        if (!table.WasTyped(parsed, nameof(options.WarmupSteps))) options.WarmupSteps = Math.Clamp(options.MaxSteps / 10, 0, 100);
        if (!table.WasTyped(parsed, nameof(options.FinalLearningRate))) options.FinalLearningRate = options.LearningRate / 10;
        return options;
    }
}
