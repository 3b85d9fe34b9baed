using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.Benchmarks;

/// <summary>Trains, converts, saves, evaluates and reports in several cultures, in a child process that supports them.</summary>
internal static class FreshProcessCulture
{
    /// <summary>A culture, its number format, and the results and messages of the library.</summary>
    internal sealed record Result(string Culture, string Number, string Upper, string[] Texts);

    public static System.CommandLine.Command Command()
    {
        var folder = new Argument<DirectoryInfo>("folder") { Description = "The folder for the models of each culture." };
        var questions = new Argument<FileInfo>("questions") { Description = "Rows of PIQA, as JSON lines." };
        var cultures = new Argument<string[]>("cultures") { Description = "The names of the cultures, such as de-DE." };
        var command = new System.CommandLine.Command("culture", "Uses the library in each culture, and prints its output as JSON.")
        {
            folder, questions, cultures,
        };
        command.SetAction(p => Console.WriteLine(JsonSerializer.Serialize(
            p.GetValue(cultures)!.Select(name => In(name, p.GetValue(folder)!.FullName, p.GetValue(questions)!.FullName)).ToArray())));
        return command;
    }

    private static Result In(string name, string folder, string questions)
    {
        CultureInfo culture = name == "invariant" ? CultureInfo.InvariantCulture : new CultureInfo(name);
        CultureInfo.CurrentCulture = CultureInfo.CurrentUICulture = culture;
        CultureInfo.DefaultThreadCurrentCulture = CultureInfo.DefaultThreadCurrentUICulture = culture;
        string own = Directory.CreateDirectory(Path.Combine(folder, name)).FullName;
        return new(name, (-1234567.5).ToString("N1"), "istanbul".ToUpper(), [.. Texts(own, questions)]);
    }

    private static IEnumerable<string> Texts(string folder, string questions)
    {
        var ml = new MLContext(seed: 1);
        var messages = new List<string>();
        ml.Log += (_, e) =>
        {
            bool ours = e.Source is "ReversibleLmTrainer; Training" or "RetrofitEstimator; Retrofit";
            if (ours && e.Kind != Runtime.ChannelMessageKind.Trace) messages.Add(e.RawMessage);
        };
        IDataView rows = ml.Data.LoadFromEnumerable(
            from i in Enumerable.Range(0, 60)
            select new Row { Text = $"Iıİi fox {i % 7} jumps over the {(i % 2 == 0 ? "IDLE" : "slow")} dog" });
        ReversibleLmTrainer.Options options = Options();
        options.Scheme = Scheme.Parse("MIDPOINT:0.25");
        options.MetricsPath = Path.Combine(folder, "metrics.jsonl");
        using ReversibleLmTransformer model = ml.Reversible().LanguageModel(options).Fit(rows);
        model.SavePretrained(Path.Combine(folder, "model"));
        yield return model.Scheme.ToString();
        yield return model.Generate("Iıİ", maxTokens: 20, seed: 3);
        yield return string.Join(' ', model.Transform(rows).GetColumn<float>("LogLikelihood").Take(3).Select(Bits));
        yield return ml.Reversible().AnalyzeStability(model, rows, krylovDimension: 4).ToString();

        IDataView items = ml.Reversible().LoadZeroShot(ZeroShotTasks.Piqa, questions);
        ZeroShotMetrics metrics = ml.Reversible().ZeroShot(model, ZeroShotTasks.Piqa).Fit(items).Evaluate(items);
        yield return ZeroShotMetrics.ToTable([metrics]);
        yield return metrics.ToJson().Split("\"seconds\"")[0];

        ReversibleLmTrainer.Options ofTeacher = Options();
        ofTeacher.Scheme = Scheme.Residual;
        using ReversibleLmTransformer teacher = ml.Reversible().LanguageModel(ofTeacher).Fit(rows);
        var retrofit = new RetrofitEstimator.Options { Teacher = teacher, ChooseScheme = true, MaxRemainderGiB = 0.5, ReportWindows = 1 };
        (retrofit.ContextLength, retrofit.BatchSize, retrofit.MaxSteps, retrofit.WarmupSteps, retrofit.Seed) = (16, 4, 3, 1, 3);
        retrofit.LearningRate = 0.5;
        using (ReversibleLmTransformer student = ml.Reversible().Retrofit(retrofit).Fit(rows))
        {
            student.SavePretrained(Path.Combine(folder, "student"));
            yield return student.Retrofit!.ToString();
            yield return student.Retrofit.ToJson();
        }
        using ReversibleLmTransformer loaded = ml.Reversible().LoadPretrained(Path.Combine(folder, "student"));
        yield return loaded.Scheme.ToString();
        yield return Message(() =>
        {
            ReversibleLmTrainer.Options wrong = Options();
            (wrong.LearningRate, wrong.FinalLearningRate) = (1.5e-3, 2.5);
            ml.Reversible().LanguageModel(wrong);
        });
        yield return Message(() => Scheme.Parse("midpoint:0,5,1"));
        foreach (string message in messages) yield return WithoutSpeed(message);
    }

    // The speed differs from run to run.
    private static string WithoutSpeed(string message) =>
        message.EndsWith(" tokens/s", StringComparison.Ordinal) ? message[..message.LastIndexOf(',')] : message;

    private static string Bits(float value) => BitConverter.SingleToUInt32Bits(value).ToString("X8", CultureInfo.InvariantCulture);

    private static string Message(Action action)
    {
        try
        {
            action();
            return "";
        }
        catch (ArgumentException e)
        {
            return e.Message.Split('\n')[0];
        }
        catch (FormatException e)
        {
            return e.Message;
        }
    }

    private static ReversibleLmTrainer.Options Options() => new()
    {
        LayerCount = 2,
        HeadCount = 2,
        Width = 32,
        ContextLength = 16,
        BatchSize = 4,
        MaxSteps = 6,
        WarmupSteps = 2,
        EvaluationInterval = 3,
        ReportInterval = 3,
        LearningRate = 5e-3,
        FinalLearningRate = 5e-4,
        Tokenization = TextTokenization.Bpe,
        VocabularySize = 280,
        Seed = 1,
    };

    private sealed class Row
    {
        public string Text { get; set; } = "";
    }
}
