using Microsoft.ML.Reversible.Cli.Options;

namespace Microsoft.ML.Reversible.Cli.Verbs;

/// <summary>Groups of options that all training verbs share.</summary>
internal static class TrainingGroups
{
    /// <summary>Options of the backward pass.</summary>
    public static SettingTable<T> AddBackwardMode<T>(this SettingTable<T> table) where T : TrainingOptions, new() => table
        .Add(o => o.BackwardMode,
            "The backward mode: stored keeps all activations, checkpointed recomputes blocks, reversible also recomputes hidden states.",
            byDefault: "reversible if the scheme is, else stored")
        .Add(o => o.KeptLayerCount,
            "Number of last layers that store their activations in the reversible mode, at least 0; each saves time.")
        .Add(o => o.Arithmetic, "The arithmetic of the hidden states; exact recomputes them to the bit.",
            byDefault: "exact for bdia and iterated-inverse, float for the others")
        .Add(o => o.Deterministic, "Whether a run repeats to the bit on a GPU too, with slower kernels for attention.");

    /// <summary>Options that freeze weights.</summary>
    public static SettingTable<T> AddFreezing<T>(this SettingTable<T> table) where T : LanguageTrainingOptions, new() => table
        .Add(o => o.FreezeEmbedding, "Whether the embedding is frozen, and with it a head that shares its matrix.")
        .Add(o => o.FrozenLayerCount, "Number of first blocks that are frozen, from 0 to the number of layers.");

    /// <summary>Options of dropout.</summary>
    public static SettingTable<T> AddDropout<T>(this SettingTable<T> table) where T : LanguageTrainingOptions, new() => table
        .Add(o => o.Dropout,
            "Probability with which a number of the embedding, and of what attention and MLP add, is dropped in training; within [0, 1).")
        .Add(o => o.AttentionDropout,
            "Probability with which a weight of attention is dropped in training; within [0, 1). Above 0, attention needs more memory.");

    /// <summary>Options of how texts become windows of tokens.</summary>
    public static SettingTable<T> AddPacking<T>(this SettingTable<T> table) where T : LanguageTrainingOptions, new() => table
        .Add(o => o.TokenCachePath, "File for the tokens of the data; it is reused if data and tokenizer are the same.", "FILE",
            "a temporary file")
        .Add(o => o.EndOfTextId,
            "Id of the token that ends a text, at least 0; models of llama2.c were trained with begin-of-text, 1, between texts.",
            byDefault: "the tokenizer's")
        .Add(o => o.DocumentBoundaries,
            "Whether windows cross texts: pack-over fills every window, respect gives each text its own windows, with padding.");

    /// <summary>Options of batches, AdamW and the learning rate.</summary>
    public static SettingTable<T> AddOptimization<T>(this SettingTable<T> table) where T : TrainingOptions, new() => table
        .Group("Optimization")
        .Add(o => o.MaxSteps, "Maximum number of optimizer steps, at least 1.",
            byDefault: $"{new T().DefaultMaxSteps}, without a limit if --max-epochs is given")
        .Add(o => o.MaxEpochs,
            "Maximum number of passes over the data, positive, such as 3 or 0.5; with --max-steps, the run ends at whichever comes first.",
            byDefault: "no limit")
        .Add(o => o.BatchSize, "Windows in a batch, at least 1.")
        .Add(o => o.GradientAccumulationSteps, "Number of batches whose gradients are accumulated for an optimizer step, at least 1.")
        .Add(o => o.LearningRate, "The learning rate after the warm-up, positive.",
            byDefault: OptionValue.Show(new T().EffectiveLearningRate))
        .Add(o => o.Schedule, "The learning rate schedule after the warm-up.")
        .Add(o => o.FinalLearningRate, "The learning rate at the last step; from 0 to the learning rate.", byDefault: "a tenth of it")
        .Add(o => o.WarmupSteps, "Number of warm-up steps, over which the learning rate rises; from 0 to the number of steps.",
            byDefault: $"a tenth of that number, at most {new T().DefaultMaxSteps / 10}")
        .Add(o => o.DecaySteps, "Number of last steps over which warmup-stable-decay lowers the learning rate, at least 1.",
            byDefault: "a fifth of all steps")
        .Add(o => o.WeightDecay, "AdamW's decoupled weight decay of matrices, at least 0.")
        .Add(o => o.Beta1, "AdamW's decay of the gradient's running mean, within [0, 1).")
        .Add(o => o.Beta2, "AdamW's decay of the squared gradient's running mean, within [0, 1).")
        .Add(o => o.Epsilon, "Term that AdamW adds to the denominator, positive.")
        .Add(o => o.MaxGradNorm, "The global norm to which gradients are clipped, at least 0; 0 does not clip.")
        .Add(o => o.OptimizerPlacement,
            "When the optimizer steps: after the backward pass, or layer by layer inside it, which needs gradient memory for one layer.")
        .Add(o => o.ClipWithPreviousNorm, "Whether clipping inside the backward pass uses the norm of the previous step.",
            byDefault: "true inside the backward pass, unless the norm is 0")
        .Add(o => o.OutlierFactor,
            "Skips a step whose gradient norm is more than this factor times the running mean; above 1, or 0 to skip none.")
        .Add(o => o.MaxSkippedSteps, "Number of skipped steps in a row that ends the run, at least 1.")
        .Add(o => o.OverfitOneBatch, "Whether every step uses the first batch: in a working setup the loss approaches 0.");

    /// <summary>Options of device, evaluation and reports.</summary>
    public static SettingTable<T> AddRun<T>(this SettingTable<T> table) where T : TrainingOptions, new() => table
        .Group("Run")
        .Add(o => o.Device, "The device: cpu, cuda, or cuda:1 for the second GPU and so on.", "cpu|cuda|cuda:N", "cpu")
        .Add(o => o.Precision, "The number type in which the blocks compute; weights and optimizer state are always float32.")
        .Add(o => o.Seed, "Seed of the weights and the order of the data; on the CPU two runs with the same seed agree to the bit.",
            byDefault: "a fixed seed")
        .Add(o => o.EvaluationInterval, "Steps between evaluations on the held-out part, at least 1.")
        .Add(o => o.EvaluationBatches,
            "Maximum number of batches of an evaluation, at least 1; the last evaluation covers the whole held-out part.")
        .Add(o => o.EarlyStoppingPatience,
            "Number of evaluations in a row without improvement that ends the run, by validation loss or in a retrofit by the "
            + "divergence from the teacher; at least 0, 0 never ends it.")
        .Add(o => o.ReturnBest, "Whether the result has the weights of the best evaluation; requires --checkpoint-folder.")
        .Add(o => o.ReportInterval, "Steps between progress reports, at least 1.")
        .Add(o => o.MetricsPath, "File to which reports are appended as lines of JSON, the same as --json writes.", "FILE", "none")
        .Add(o => o.TensorBoardFolder, "Folder to which reports are written as event files of TensorBoard.", "FOLDER", "none",
            alias: "--tensorboard");

    /// <summary>Options of checkpoints and resuming.</summary>
    public static SettingTable<T> AddCheckpoints<T>(this SettingTable<T> table) where T : TrainingOptions, new() => table
        .Group("Checkpoints")
        .Add(o => o.CheckpointFolder,
            "Folder for checkpoints, from which the same command continues to the bit after Ctrl+C or a crash.", "FOLDER", "none",
            alias: "--checkpoints")
        .Add(o => o.CheckpointInterval, "Steps between checkpoints, at least 1; the last step and a cancelled run write one too.")
        .Add(o => o.CheckpointsKept, "Number of latest checkpoints to keep, at least 1; that of the best evaluation is kept as well.")
        .Add(o => o.Resume,
            "What to do with checkpoints: continue if there is one, require one, or refuse a folder with checkpoints; alone: required.",
            alone: ResumeMode.Required)
        .Add(o => o.DamagedCheckpoint, "What to do if the last checkpoint is damaged: refuse, or continue from the one before it.");

    /// <summary>Checks that paths to write are not those of a file in place of a folder, or the reverse.</summary>
    /// <exception cref="UsageException">One is.</exception>
    public static void CheckPaths(LanguageTrainingOptions options)
    {
        OutputPath.CheckFile("--metrics-path", options.MetricsPath);
        OutputPath.CheckFile("--token-cache-path", options.TokenCachePath);
        OutputPath.CheckFolder("--tensor-board-folder", options.TensorBoardFolder);
        OutputPath.CheckFolder("--checkpoint-folder", options.CheckpointFolder);
    }
}
