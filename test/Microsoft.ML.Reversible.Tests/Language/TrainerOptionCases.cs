using Microsoft.ML.Reversible.Tests.Storage;
using static Microsoft.ML.Reversible.ReversibleLmTrainer;

namespace Microsoft.ML.Reversible.Tests.Language;

/// <summary>A case for every option of the trainer.</summary>
internal static class TrainerOptionCases
{
    private static readonly Lazy<string> _folder = new(() => Saved(Scheme.Midpoint));
    private static readonly Lazy<string> _residual = new(() => Saved(Scheme.Residual));

    /// <summary>The cases.</summary>
    public static IReadOnlyList<OptionCase<Options>> All => [.. General, .. Model, .. Text, .. Optimization, .. Run];

    private static string Folder => _folder.Value;

    private static IEnumerable<OptionCase<Options>> General =>
    [
        new(nameof(Options.TextColumnName), (o, _) => o.TextColumnName = "Other"),
        new(nameof(Options.LogLikelihoodColumnName), (o, _) => o.LogLikelihoodColumnName = "A"),
        new(nameof(Options.TokenCountColumnName), (o, _) => o.TokenCountColumnName = "A"),
        new(nameof(Options.PerplexityColumnName), (o, _) => o.PerplexityColumnName = "A"),
        new(nameof(Options.Device), (o, _) => o.Device = "cuda:99"),
        new(nameof(Options.Seed), (o, _) => o.Seed = 2),
        new(nameof(Options.Progress), (o, folder) => o.Progress = new OptionWalk.Listener<TrainingProgress>(folder)),
        new(nameof(Options.CancellationToken), (o, _) => o.CancellationToken = new(canceled: true)),
    ];

    private static IEnumerable<OptionCase<Options>> Model =>
    [
        new(nameof(Options.PretrainedFolder), (o, _) => FromFolder(o)),
        New(nameof(Options.Family), o => o.Family = ModelFamily.Llama),
        New(nameof(Options.Scheme), o => o.Scheme = Scheme.Leapfrog),
        new(nameof(Options.BackwardMode), (o, _) => o.BackwardMode = BackwardMode.Stored) { Base = (o, _) => o.LayerCount = 8 },
        new(nameof(Options.KeptLayerCount), (o, _) => o.KeptLayerCount = 8)
        {
            Base = (o, _) => o.LayerCount = 8,
            Unused =
            [
                o => (o.BackwardMode, o.KeptLayerCount) = (BackwardMode.Stored, 1),
                o => (o.BackwardMode, o.KeptLayerCount) = (BackwardMode.Checkpointed, 1),
                o => (o.Scheme, o.KeptLayerCount) = (Scheme.Residual, 1),
                o =>
                {
                    FromFolder(o);
                    (o.PretrainedFolder, o.KeptLayerCount) = (_residual.Value, 1);
                },
            ],
        },
        new(nameof(Options.Arithmetic), (o, _) => o.Arithmetic = Arithmetic.Exact),
        New(nameof(Options.LayerCount), o => o.LayerCount = 3),
        New(nameof(Options.HeadCount), o => o.HeadCount = 4),
        New(nameof(Options.KeyValueHeadCount), o => o.KeyValueHeadCount = 1, o => o.Family = ModelFamily.Llama,
            o => o.KeyValueHeadCount = 1),
        New(nameof(Options.Width), o => o.Width = 24),
        New(nameof(Options.MlpWidth), o => o.MlpWidth = 40),
        new(nameof(Options.ContextLength), (o, _) => o.ContextLength = 6),
        New(nameof(Options.Activation), o => o.Activation = Activation.Relu, unused:
            o => (o.Family, o.Activation) = (ModelFamily.Llama, Activation.Relu)),
        New(nameof(Options.TiedHead), o => o.TiedHead = false),
        new(nameof(Options.Precision), (o, _) => o.Precision = Precision.BFloat16),
        new(nameof(Options.Deterministic), null)
        {
            SameBits = "it is for a GPU, where it takes the place of kernels whose bits differ from run to run",
            Unused = [o => o.Deterministic = true, o => (o.Device, o.Deterministic) = ("cpu", true)],
        },
        new(nameof(Options.FreezeEmbedding), (o, _) => o.FreezeEmbedding = true),
        new(nameof(Options.FrozenLayerCount), (o, _) => o.FrozenLayerCount = 1),
    ];

    private static IEnumerable<OptionCase<Options>> Text =>
    [
        New(nameof(Options.Tokenization), o => o.Tokenization = TextTokenization.Character, unused:
        [
            o => (o.Tokenization, o.TokenizerPath) = (TextTokenization.Character, Folder),
            o => (o.Tokenization, o.Tokenizer) = (TextTokenization.Byte, new LetterTokenizer()),
        ]),
        New(nameof(Options.VocabularySize), o => o.VocabularySize = 262,
            o => (o.Tokenization, o.VocabularySize) = (TextTokenization.Bpe, 260),
            o => (o.Tokenization, o.VocabularySize) = (TextTokenization.Byte, 300),
            o => (o.Tokenization, o.VocabularySize) = (TextTokenization.Character, 300),
            o => (o.Tokenization, o.VocabularySize, o.TokenizerPath) = (TextTokenization.Bpe, 300, Folder)),
        new(nameof(Options.Tokenizer),
            (o, _) => (o.Tokenization, o.Tokenizer, o.EndOfTextId) = (TextTokenization.Bpe, new LetterTokenizer(), 0)),
        new(nameof(Options.TokenizerPath),
            (o, _) => (o.Tokenization, o.VocabularySize, o.TokenizerPath) = (TextTokenization.Bpe, new Options().VocabularySize, Folder))
        {
            Base = (o, _) => (o.Tokenization, o.VocabularySize) = (TextTokenization.Bpe, 260),
        },
        new(nameof(Options.EndOfTextId), (o, _) => o.EndOfTextId = 5),
        new(nameof(Options.TokenCachePath), (o, folder) => o.TokenCachePath = Path.Combine(folder, "tokens")),
        new(nameof(Options.DocumentBoundaries), (o, _) => o.DocumentBoundaries = DocumentBoundaries.Respect),
        new(nameof(Options.ValidationFraction), (o, _) => o.ValidationFraction = 0.3),
        new(nameof(Options.TokenizationProgress),
            (o, folder) => o.TokenizationProgress = new OptionWalk.Listener<TokenizationProgress>(folder)),
    ];

    private static IEnumerable<OptionCase<Options>> Optimization =>
    [
        new(nameof(Options.BatchSize), (o, _) => o.BatchSize = 3),
        new(nameof(Options.GradientAccumulationSteps), (o, _) => o.GradientAccumulationSteps = 2),
        new(nameof(Options.MaxSteps), (o, _) => o.MaxSteps = 5),
        new(nameof(Options.MaxEpochs), (o, _) => o.MaxEpochs = 0.05),
        new(nameof(Options.LearningRate), (o, _) => o.LearningRate = 4e-3),
        new(nameof(Options.Schedule), (o, _) => o.Schedule = LearningRateScheduleKind.Linear),
        new(nameof(Options.FinalLearningRate), (o, _) => o.FinalLearningRate = 2e-4)
        {
            Unused = [o => (o.Schedule, o.FinalLearningRate) = (LearningRateScheduleKind.Constant, 2e-4)],
        },
        new(nameof(Options.WarmupSteps), (o, _) => o.WarmupSteps = 2),
        new(nameof(Options.DecaySteps), (o, _) => o.DecaySteps = 3)
        {
            Base = (o, _) => o.Schedule = LearningRateScheduleKind.WarmupStableDecay,
            Unused = [o => o.DecaySteps = 2, o => (o.Schedule, o.DecaySteps) = (LearningRateScheduleKind.Linear, 2)],
        },
        new(nameof(Options.WeightDecay), (o, _) => o.WeightDecay = 0),
        new(nameof(Options.Beta1), (o, _) => o.Beta1 = 0.8),
        new(nameof(Options.Beta2), (o, _) => o.Beta2 = 0.9),
        new(nameof(Options.Epsilon), (o, _) => o.Epsilon = 1e-3),
        new(nameof(Options.MaxGradNorm), (o, _) => o.MaxGradNorm = 0.01),
        new(nameof(Options.LabelSmoothing), (o, _) => o.LabelSmoothing = 0.1),
        new(nameof(Options.Dropout), (o, _) => o.Dropout = 0.1),
        new(nameof(Options.AttentionDropout), (o, _) => o.AttentionDropout = 0.1),
        new(nameof(Options.OptimizerPlacement), null)
        {
            SameBits = "where nothing is clipped, it decides how much memory gradients take and nothing else",
        },
        new(nameof(Options.ClipWithPreviousNorm), (o, _) => (o.ClipWithPreviousNorm, o.MaxGradNorm) = (true, 0.01))
        {
            Base = (o, _) => (o.OptimizerPlacement, o.MaxGradNorm) = (OptimizerPlacement.InsideBackward, 0),
            Unused =
            [
                o => o.ClipWithPreviousNorm = true,
                o => (o.OptimizerPlacement, o.MaxGradNorm, o.ClipWithPreviousNorm) = (OptimizerPlacement.InsideBackward, 0, true),
            ],
        },
        new(nameof(Options.OutlierFactor), (o, _) => o.OutlierFactor = 1.0001)
        {
            Base = (o, _) => (o.MaxSteps, o.LearningRate, o.FinalLearningRate) = (40, 1e-9, 1e-9),
        },
        new(nameof(Options.MaxSkippedSteps), (o, _) => o.MaxSkippedSteps = 2)
        {
            Base = (o, _) => (o.LearningRate, o.MaxGradNorm, o.WarmupSteps, o.MaxSteps) = (1e30, 0, 0, 30),
        },
        new(nameof(Options.OverfitOneBatch), (o, _) => o.OverfitOneBatch = true),
    ];

    private static IEnumerable<OptionCase<Options>> Run =>
    [
        Evaluated(nameof(Options.EvaluationInterval), (o, _) => o.EvaluationInterval = 1),
        Evaluated(nameof(Options.EvaluationBatches), (o, _) => o.EvaluationBatches = 1),
        Evaluated(nameof(Options.EarlyStoppingPatience), (o, _) => o.EarlyStoppingPatience = 1,
            (o, _) => (o.LearningRate, o.EvaluationInterval, o.WarmupSteps, o.MaxSteps) = (3, 1, 0, 9)),
        Evaluated(nameof(Options.ReturnBest), (o, _) => o.ReturnBest = true,
            (o, folder) =>
            {
                (o.LearningRate, o.EvaluationInterval, o.WarmupSteps, o.MaxSteps) = (3, 1, 0, 9);
                (o.EarlyStoppingPatience, o.CheckpointFolder) = (1, Path.Combine(folder, "run"));
            },
            o => o.ReturnBest = true),
        new(nameof(Options.ReportInterval), (o, _) => o.ReportInterval = 9),
        new(nameof(Options.MetricsPath), (o, folder) => o.MetricsPath = Path.Combine(folder, "metrics")),
        new(nameof(Options.TensorBoardFolder), (o, folder) => o.TensorBoardFolder = Path.Combine(folder, "board")),
        new(nameof(Options.CheckpointFolder), (o, folder) => o.CheckpointFolder = Path.Combine(folder, "run")),
        Kept(nameof(Options.CheckpointInterval), o => o.CheckpointInterval = 1, o => o.CheckpointsKept = 9),
        Kept(nameof(Options.CheckpointsKept), o => o.CheckpointsKept = 3, o => o.CheckpointInterval = 1),
        Kept(nameof(Options.Resume), o => o.Resume = ResumeMode.Required),
        Kept(nameof(Options.DamagedCheckpoint), o => o.DamagedCheckpoint = DamagedCheckpoint.UsePrevious,
            o => Directory.CreateDirectory(Path.Combine(o.CheckpointFolder!, "step-00000002")),
            o => (o.CheckpointFolder, o.Resume, o.DamagedCheckpoint) = ("run", ResumeMode.Never, DamagedCheckpoint.UsePrevious)),
    ];

    /// <summary>An option of a new model: with a folder to start from it is refused.</summary>
    private static OptionCase<Options> New(
        string option, Action<Options> change, Action<Options>? shared = null, params Action<Options>[] unused) =>
        new(option, (o, _) => change(o))
        {
            Base = shared is null ? null : (o, _) => shared(o),
            Unused = [.. unused, WithFolder(change)],
        };

    /// <summary>An option of evaluations: where nothing is held out it is refused.</summary>
    private static OptionCase<Options> Evaluated(
        string option, Action<Options, string> change, Action<Options, string>? shared = null, params Action<Options>[] unused) =>
        new(option, change)
        {
            Base = shared,
            Unused =
            [
                .. unused,
                o =>
                {
                    (o.ValidationFraction, o.EvaluationInterval, o.CheckpointFolder) = (0, new Options().EvaluationInterval, "run");
                    change(o, "");
                },
            ],
        };

    /// <summary>An option of checkpoints: without a folder for them it is refused.</summary>
    private static OptionCase<Options> Kept(
        string option, Action<Options> change, Action<Options>? shared = null, params Action<Options>[] unused) =>
        new(option, (o, _) => change(o))
        {
            Base = (o, folder) =>
            {
                o.CheckpointFolder = Path.Combine(folder, "run");
                shared?.Invoke(o);
            },
            Unused = [.. unused, change],
        };

    private static Action<Options> WithFolder(Action<Options> change) => o =>
    {
        FromFolder(o);
        change(o);
    };

    private static void FromFolder(Options o)
    {
        Options plain = new();
        (o.LayerCount, o.HeadCount, o.Width) = (plain.LayerCount, plain.HeadCount, plain.Width);
        (o.Tokenization, o.PretrainedFolder) = (plain.Tokenization, Folder);
    }

    /// <summary>A folder for all tests, which goes away with the process's temporary files.</summary>
    private static string Saved(Scheme scheme)
    {
        var folder = new ScratchFolder();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => folder.Dispose();
        Options options = TrainerOptionTests.Small();
        options.Scheme = scheme;
        using ReversibleLmTransformer model = TrainerOptionTests.Fit(options);
        model.SavePretrained(folder.File("model"));
        return folder.File("model");
    }
}
