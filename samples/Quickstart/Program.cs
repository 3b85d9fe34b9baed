// Trains a small reversible GPT on text, shows what it learned, and saves and loads it again.
//
//   dotnet run -c Release --project samples/Quickstart                         stories that the sample generates
//   dotnet run -c Release --project samples/Quickstart -- a.txt b.txt          your own text, one row per line
//   dotnet run -c Release --project samples/Quickstart -- --device cuda --precision bfloat16 --max-steps 2000
using System.CommandLine;
using System.Text;
using Microsoft.ML;
using Microsoft.ML.Reversible;
using Quickstart;

var files = new Argument<FileInfo[]>("files")
{
    Description = "Text files to train on, one row per line; without any the sample generates stories.",
    Arity = ArgumentArity.ZeroOrMore,
};
files.AcceptExistingOnly();
var steps = new Option<int>("--max-steps") { Description = "Optimizer steps, at least 1.", DefaultValueFactory = _ => 800 };
var device = new Option<string?>("--device") { Description = "cpu, cuda or cuda:N." };
var precision = new Option<Precision>("--precision") { Description = "The number type in which the blocks compute." };
var scheme = new Option<string>("--scheme") { Description = "midpoint, midpoint:H or residual.", DefaultValueFactory = _ => "midpoint" };
var command = new RootCommand("Trains a small reversible GPT on text.") { files, steps, device, precision, scheme };
command.SetAction(Run);
try
{
    return command.Parse(args).Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (DecoderFallbackException e)
{
    Console.Error.WriteLine($"A file is not text in UTF-8: {e.Message} Convert it to UTF-8.");
    return 1;
}
catch (Exception e)
    when (e is ArgumentException or InvalidOperationException or InvalidDataException or IOException or UnauthorizedAccessException
        or DllNotFoundException)
{
    Console.Error.WriteLine(e.Message.ReplaceLineEndings(" "));
    return 1;
}

int Run(ParseResult arguments)
{
    // 1. Data: an ordinary IDataView with a text column.
    var ml = new MLContext(seed: 1) { FallbackToCpu = false };
    FileInfo[] sources = arguments.GetValue(files) ?? [];
    IDataView data = sources.Length == 0
        ? ml.Data.LoadFromEnumerable(Stories.Make(count: 4000, seed: 1))
        : ml.Data.LoadFromEnumerable(sources.SelectMany(TextRow.In));

    // 2. A trainer, and Fit.
    ReversibleLmTransformer model = Output.ShowProgress("training", progress =>
        ml.Reversible().LanguageModel(new ReversibleLmTrainer.Options
        {
            Scheme = Scheme.Parse(arguments.GetValue(scheme)!),
            LayerCount = 6,
            HeadCount = 4,
            Width = 128,
            ContextLength = 64,
            BatchSize = 16,
            VocabularySize = 400,
            MaxSteps = arguments.GetValue(steps),
            WarmupSteps = Math.Min(50, arguments.GetValue(steps)),
            LearningRate = 2e-3,
            FinalLearningRate = 2e-4,
            EvaluationInterval = 100,
            Device = arguments.GetValue(device),
            Precision = arguments.GetValue(precision),
            Progress = progress,
        }).Fit(data));
    Screen.ShowResult(model);

    // 3. The transformer computes log-likelihoods: here of a sentence, and of the same words in another order.
    var engine = ml.Model.CreatePredictionEngine<TextRow, ScoredRow>(model, new PredictionEngineOptions { OwnsTransformer = false });
    Screen.ShowScores(engine, "Once upon a time, Mia had a dog and a red ball.", "ball red a and dog a had Mia, time a upon Once.");

    // 4. It generates text.
    for (int seed = 1; seed <= 3; seed++) Screen.ShowText(model.Generate("Once upon a time,", maxTokens: 90, temperature: 0.7, seed: seed));

    // 5. It is saved and loaded as an ML.NET zip, and as a Hugging Face folder.
    string folder = Path.Combine(Path.GetTempPath(), "reversible-quickstart");
    Directory.CreateDirectory(folder);
    ml.Model.Save(model, data.Schema, Path.Combine(folder, "model.zip"));
    ITransformer loaded = ml.Model.Load(Path.Combine(folder, "model.zip"), out _);
    model.SavePretrained(Path.Combine(folder, "pretrained"));
    using ReversibleLmTransformer pretrained = ml.Reversible().LoadPretrained(Path.Combine(folder, "pretrained"));
    Screen.ShowSaved(folder, new TextRow { Text = "Once upon a time, Tom had a cat." }, ml, model, loaded, pretrained);

    model.Dispose();
    (loaded as IDisposable)?.Dispose();
    return 0;
}
