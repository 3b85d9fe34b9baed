using System.CommandLine;
using Microsoft.ML.Reversible.Cli.Options;

namespace Microsoft.ML.Reversible.Cli.Verbs;

/// <summary>Groups of options that every verb has that trains.</summary>
internal static class TrainingGroups
{
    /// <summary>How the layers are run back.</summary>
    public static SettingTable<T> AddWayBack<T>(this SettingTable<T> table) where T : TrainingOptions, new() => table
        .Add(o => o.WayBack, "How the backward pass gets the activations: stored, recomputed or rebuilt.",
            byDefault: "reversible where the scheme is, else stored")
        .Add(o => o.KeptLayerCount, "The last layers that keep their activations in the reversible backward mode; each saves time.")
        .Add(o => o.Arithmetic, "The arithmetic of the hidden states between the layers; exact ones are rebuilt to the bit.",
            byDefault: "exact for bdia and estimator, float for the others")
        .Add(o => o.Deterministic, "Whether the same run gives the same bits every time on a GPU too, by slower kernels for attention.");

    /// <summary>What keeps its weights.</summary>
    public static SettingTable<T> AddFreezing<T>(this SettingTable<T> table) where T : LanguageTrainingOptions, new() => table
        .Add(o => o.FreezeEmbedding, "Whether the embedding keeps its weights, and with it a head that shares its matrix.")
        .Add(o => o.FrozenLayerCount, "How many blocks, from the first, keep their weights; at most the number of layers.");

    /// <summary>How texts become windows of tokens.</summary>
    public static SettingTable<T> AddPacking<T>(this SettingTable<T> table) where T : LanguageTrainingOptions, new() => table
        .Add(o => o.TokenCachePath, "A file to keep the data's tokens in; it is used again where data and tokenizer are the same.", "FILE",
            "a temporary one")
        .Add(o => o.EndOfTextId,
            "The id of the token that ends a text, at least 0; models of llama2.c were trained with begin-of-text between theirs, 1.",
            byDefault: "the tokenizer's")
        .Add(o => o.DocumentBoundaries, "Whether a window may hold the end of one text and the beginning of the next.");

    /// <summary>Batches, AdamW and the learning rate.</summary>
    public static SettingTable<T> AddOptimization<T>(this SettingTable<T> table, int mostWarmupSteps)
        where T : TrainingOptions, new() => table
        .Group("Optimization")
        .Add(o => o.MaxSteps, "Optimizer steps, at least 1.")
        .Add(o => o.BatchSize, "Windows in a batch, at least 1.")
        .Add(o => o.GradientAccumulationSteps, "Batches whose gradients are added up before the optimizer steps, at least 1.")
        .Add(o => o.LearningRate, "The learning rate after the warm-up, positive.")
        .Add(o => o.Schedule, "How the learning rate goes on after the warm-up.")
        .Add(o => o.FinalLearningRate, "The learning rate at the last step; from 0 to the learning rate.", byDefault: "a tenth of it")
        .Add(o => o.WarmupSteps, "Steps over which the learning rate rises; from 0 to the number of steps.",
            byDefault: $"a tenth of that number, at most {mostWarmupSteps}")
        .Add(o => o.DecaySteps, "The last steps, over which warmup-stable-decay lowers the learning rate, at least 1.",
            byDefault: "a fifth of all steps")
        .Add(o => o.WeightDecay, "AdamW's decoupled weight decay of matrices, at least 0.")
        .Add(o => o.Beta1, "AdamW's decay of the gradient's running mean, within [0, 1).")
        .Add(o => o.Beta2, "AdamW's decay of the squared gradient's running mean, within [0, 1).")
        .Add(o => o.Epsilon, "What AdamW adds to the denominator, positive.")
        .Add(o => o.MaxGradNorm, "The global norm that gradients are clipped to, at least 0; 0 means not to clip.")
        .Add(o => o.OptimizerPlacement,
            "Where the optimizer steps: after the backward pass, or layer by layer inside it, which needs gradient memory for one layer.")
        .Add(o => o.ClipWithPreviousNorm, "Whether clipping inside the backward pass goes by the norm of the step before.")
        .Add(o => o.OutlierFactor, "A step whose gradient norm is this many times the running mean is skipped; above 1, or 0 to skip none.")
        .Add(o => o.MaxSkippedSteps, "Skipped steps in a row after which the run gives up, at least 1.")
        .Add(o => o.OverfitOneBatch, "Whether every step takes the first batch: a check that a set-up can learn at all.");

    /// <summary>Where it is computed, and what is reported.</summary>
    public static SettingTable<T> AddRun<T>(this SettingTable<T> table) where T : TrainingOptions, new() => table
        .Group("Run")
        .Add(o => o.Device, "Where to compute: cpu, cuda, or cuda:1 for the second GPU and so on.", "cpu|cuda|cuda:N", "cpu")
        .Add(o => o.Precision, "The number type in which the blocks compute; weights and optimizer state are float32 in either case.")
        .Add(o => o.Seed, "Seeds the weights and the order of the data: with one seed, two runs on the CPU agree to the bit.",
            byDefault: "a fixed one")
        .Add(o => o.EvaluationInterval, "Steps between evaluations on the held-out part, at least 1.")
        .Add(o => o.EvaluationBatches,
            "Batches that an evaluation during the run takes at most, at least 1; the last one takes the whole part.")
        .Add(o => o.EarlyStoppingPatience,
            "Evaluations no better than the best before, by validation loss or in a retrofit by the divergence from the teacher, after "
            + "which the run ends; at least 0, 0 never ends it.")
        .Add(o => o.ReturnBest, "Whether the result has the weights of the best evaluation; needs --checkpoint-folder.")
        .Add(o => o.ReportInterval, "Steps between reports of progress, at least 1.")
        .Add(o => o.MetricsPath, "A file to which reports are added as lines of JSON, the same as --json writes.", "FILE", "none");

    /// <summary>Checkpoints, and going on from them.</summary>
    public static SettingTable<T> AddCheckpoints<T>(this SettingTable<T> table) where T : TrainingOptions, new() => table
        .Group("Checkpoints")
        .Add(o => o.CheckpointFolder,
            "A folder for checkpoints, from which the same command goes on to the bit after Ctrl+C or any other end.", "FOLDER", "none",
            alias: "--checkpoints")
        .Add(o => o.CheckpointInterval, "Steps between checkpoints, at least 1; the last step and a cancelled run leave one too.")
        .Add(o => o.CheckpointsKept, "How many of the latest are kept, at least 1; that of the best evaluation is kept besides.")
        .Add(o => o.Resume, "What to do about checkpoints that are there: go on from them, insist on one, or refuse; alone: required.",
            alone: ResumeMode.Required)
        .Add(o => o.DamagedCheckpoint, "What to do where the last checkpoint is damaged: refuse, or go on from the one before it.");

    /// <summary>Returns options with what was typed set; what follows from other options does so where it was not typed.</summary>
    public static T ReadTraining<T>(this SettingTable<T> table, ParseResult parsed, int mostWarmupSteps) where T : TrainingOptions, new()
    {
        T options = table.Read(parsed);
        if (table.WasTyped(parsed, nameof(options.MaxSteps)) && !table.WasTyped(parsed, nameof(options.WarmupSteps)))
            options.WarmupSteps = Math.Clamp(options.MaxSteps / 10, 0, mostWarmupSteps);
        if (table.WasTyped(parsed, nameof(options.LearningRate)) && !table.WasTyped(parsed, nameof(options.FinalLearningRate))
            && options.Schedule != LearningRateScheduleKind.Constant)
            options.FinalLearningRate = options.LearningRate / 10;
        return options;
    }
}
