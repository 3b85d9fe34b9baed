using System.Security.Cryptography;
using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Tests.Storage;

namespace Microsoft.ML.Reversible.Tests.Host;

/// <summary>Calls of the library, each of which returns a text with all bits of the result.</summary>
internal sealed class HostWork : IDisposable
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly ScratchFolder _scratch = new();
    private readonly ReversibleLmTransformer _model;
    private int _files;

    public HostWork()
    {
        _model = Corpus.Train(_ml, o => o.MaxSteps = 4);
        _model.SavePretrained(_scratch.File("gpt2"));
        using ReversibleLmTransformer llama = Corpus.Train(
            _ml, o => (o.Family, o.HeadCount, o.KeyValueHeadCount, o.TiedHead, o.MaxSteps) = (ModelFamily.Llama, 4, 2, false, 4));
        llama.SavePretrained(_scratch.File("llama"));
        using ReversibleLmTransformer teacher = Corpus.Train(_ml, o => (o.Scheme, o.MaxSteps) = (Scheme.Parse("residual"), 40));
        teacher.SavePretrained(_scratch.File("teacher"));
        ZeroShotFiles.WritePiqa(_scratch.File("piqa.jsonl"), 6);
    }

    /// <summary>Each piece of work by its name.</summary>
    public static IReadOnlyDictionary<string, Func<HostWork, string>> All { get; } = new Dictionary<string, Func<HostWork, string>>
    {
        ["Fit"] = w => w.Fit(o => (o.EvaluationInterval, o.ReturnBest, o.CheckpointFolder) = (3, true, w.New())),
        ["Fit, exact"] = w => w.Fit(o => (o.Scheme, o.Arithmetic) = (Scheme.Bdia, Arithmetic.Exact)),
        ["Fit, Llama"] = w => w.Fit(o => (o.Family, o.Precision, o.Scheme) = (ModelFamily.Llama, Precision.BFloat16, Scheme.Leapfrog)),
        ["Fit, other layout"] = w => w.Fit(
            o => (o.BackwardMode, o.OptimizerPlacement, o.ClipWithPreviousNorm, o.FrozenLayerCount, o.LabelSmoothing) =
                (BackwardMode.Checkpointed, OptimizerPlacement.InsideBackward, true, 1, 0.1)),
        ["Fit, from a folder"] = w => w.Fit(o => o.PretrainedFolder = w._scratch.File("llama")),
        ["Fit, resumed"] = w => w.Resume(),
        ["LoadPretrained, GPT-2"] = w => w.Load("gpt2"),
        ["LoadPretrained, Llama"] = w => w.Load("llama"),
        ["Transform"] = w => w.Scores(w._model),
        ["Generate"] = w => Generate(w._model),
        ["GenerateAsync"] = w => string.Concat(
            w._model.GenerateAsync("the", new GenerationOptions { MaxTokens = 30, Seed = 2 }).ToBlockingEnumerable()),
        ["ZeroShot"] = w => w.ZeroShot(),
        ["Retrofit"] = w => w.Retrofit(o => (o.ChooseScheme, o.HiddenStateWeight) = (true, 0.1)),
        ["Retrofit, kept answers"] = w => w.Retrofit(o => (o.Scheme, o.TeacherTopK) = (Scheme.Midpoint, 4)),
        ["AnalyzeStability"] = w => w.Stability(w._model),
        ["SavePretrained"] = w => w.Saved(w._model, WeightPrecision.BFloat16),
        ["Save and Load"] = w => w.Zip(w._ml.Reversible().Save, path => w._ml.Reversible().Load(path, out _)),
        ["ML.NET's Save and Load"] = w => w.Zip(
            (model, schema, path) => w._ml.Model.Save(model, schema, path), path => w._ml.Model.Load(path, out _)),
    };

    /// <summary>Work that ends with an exception, by its name.</summary>
    public static IReadOnlyDictionary<string, Action<HostWork>> Failures { get; } = new Dictionary<string, Action<HostWork>>
    {
        ["Fit, cancelled in a step"] = w => Cancelled((progress, token) => w.Fit(o =>
            (o.Progress, o.ReportInterval, o.CancellationToken) = (progress, 1, token))),
        ["Fit, no such column"] = w => w.Fit(o => o.TextColumnName = "None"),
        ["Fit, no rows"] = w => w._ml.Reversible().LanguageModel(Corpus.QuickOptions).Fit(Corpus.View(w._ml)),
        ["LoadPretrained, no folder"] = w => w._ml.Reversible().LoadPretrained(w._scratch.File("none")),
        ["Generate, cancelled"] = w => w._model.Generate("the", new GenerationOptions(), new CancellationToken(canceled: true)),
        ["Retrofit, cancelled"] = w => Cancelled((progress, token) => w.Retrofit(o =>
            (o.Progress, o.ReportInterval, o.CancellationToken) = (progress, 1, token))),
        ["AnalyzeStability, no text"] = w => w._ml.Reversible().AnalyzeStability(w._model, Corpus.View(w._ml, "")),
    };

    /// <summary>A model of a folder, loaded in the caller's state.</summary>
    public ReversibleLmTransformer LoadModel(string folder) => _ml.Reversible().LoadPretrained(_scratch.File(folder));

    /// <summary>Scores, text and a conversion with training of a residual model.</summary>
    public string Use(ReversibleLmTransformer model) =>
        Scores(model) + Generate(model) + Retrofit(o => (o.TeacherPath, o.Teacher, o.ChooseScheme) = (null, model, true))
        + Stability(model);

    public void Dispose()
    {
        _model.Dispose();
        _scratch.Dispose();
    }

    private static string Generate(ReversibleLmTransformer model)
    {
        var options = new GenerationOptions { MaxTokens = 30, Seed = 2, TopK = 5, RepetitionPenalty = 1.1 };
        return string.Join('|', model.Generate(["the red", "a", "the blue fox number 7"], options));
    }

    private string Fit(Action<ReversibleLmTrainer.Options> change)
    {
        using ReversibleLmTransformer model = Corpus.Train(_ml, o =>
        {
            o.MaxSteps = 6;
            change(o);
        });
        return Saved(model) + string.Join(' ', model.Metrics!.History.Select(at => $"{at.Step}:{at.Loss:R}"));
    }

    private string Resume()
    {
        string folder = New();
        Cancelled((progress, token) => Assert.ThrowsExactly<OperationCanceledException>(() => Fit(o =>
            (o.CheckpointFolder, o.CheckpointInterval, o.Progress, o.ReportInterval, o.CancellationToken) =
                (folder, 1, progress, 3, token))));
        return Fit(o => (o.CheckpointFolder, o.CheckpointInterval) = (folder, 1));
    }

    private string Load(string folder)
    {
        using ReversibleLmTransformer model = LoadModel(folder);
        return Saved(model) + Scores(model) + Generate(model);
    }

    private string Scores(ITransformer model) =>
        string.Join(' ', Corpus.Scores(_ml, model, "the red fox", "", new string('a', 40)).Select(row => $"{row.LogLikelihood:R}"));

    private string ZeroShot()
    {
        IDataView questions = _ml.Reversible().LoadZeroShot(ZeroShotTasks.Piqa, _scratch.File("piqa.jsonl"));
        using ReversibleLmTransformer model = LoadModel("llama");
        ZeroShotTransformer evaluator = _ml.Reversible().ZeroShot(model, ZeroShotTasks.Piqa).Fit(questions);
        IEnumerable<VBuffer<float>> scores = evaluator.Transform(questions).GetColumn<VBuffer<float>>("Score");
        return $"{evaluator.Evaluate(questions).Accuracy:R} "
            + string.Join(' ', scores.SelectMany(row => row.DenseValues()).Select(score => $"{score:R}"));
    }

    private string Retrofit(Action<RetrofitEstimator.Options> change)
    {
        var options = new RetrofitEstimator.Options { TeacherPath = _scratch.File("teacher"), ReportWindows = 4 };
        (options.ContextLength, options.BatchSize, options.MaxSteps, options.WarmupSteps, options.Seed) = (16, 4, 4, 2, 3);
        change(options);
        using ReversibleLmTransformer student = _ml.Reversible().Retrofit(options).Fit(Corpus.View(_ml, Corpus.Rows));
        return student.Retrofit + Saved(student);
    }

    private string Zip(Action<ITransformer, DataViewSchema, string> save, Func<string, ITransformer> load)
    {
        string path = New();
        save(_model, Corpus.View(_ml).Schema, path);
        ITransformer loaded = load(path);
        string scores = Scores(loaded);
        (loaded as IDisposable)?.Dispose();
        return scores;
    }

    private string Stability(ReversibleLmTransformer model) =>
        _ml.Reversible().AnalyzeStability(model, Corpus.View(_ml, Corpus.Rows), krylovDimension: 6).ToString();

    private string Saved(ReversibleLmTransformer model, WeightPrecision precision = WeightPrecision.Float32)
    {
        string folder = New();
        model.SavePretrained(folder, precision);
        return string.Concat(Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal)
            .Select(file => $"{Path.GetFileName(file)} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)))}\n"));
    }

    private string New() => _scratch.File($"{_files++}");

    private static void Cancelled(Action<IProgress<TrainingProgress>, CancellationToken> work)
    {
        using var source = new CancellationTokenSource();
        work(new Cancelling(source), source.Token);
    }

    private sealed class Cancelling(CancellationTokenSource source) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => source.Cancel();
    }
}
