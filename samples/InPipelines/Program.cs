// Uses a language model's columns as features of an ordinary classifier: which stories have their words in order?
//
//   dotnet run -c Release --project samples/InPipelines                        a small model, 2,000 rows
//   dotnet run -c Release --project samples/InPipelines -- --quick             a smaller one, 300 rows, in some seconds
//
// Output of the first command on two cores of an AMD EPYC, TorchSharp 0.107.0 on libtorch 2.10.0:
//
//   Fit: 4.4 s
//   Fit with AppendCacheCheckpoint: 1.5 s
//   Accuracy: 100.0 %
//   Accuracy: 100.0 %
//   Cross-validation, 5 folds: 5.5 s
//   Accuracy of the folds: 100.0 %, 100.0 %, 100.0 %, 100.0 %, 100.0 %
//   100 % in order: Once upon a time, Mia had a dog and a red ball.
//   0 % in order: red dog time, a had Once ball. upon a a and Mia
//   Loaded from /tmp/reversible-pipeline.zip: 100.0 %
//
// The first fit is also the first use of the model's code.
using System.CommandLine;
using System.Diagnostics;
using InPipelines;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Reversible;
using Quickstart;

var quick = new Option<bool>("--quick") { Description = "A smaller model and fewer rows." };
var command = new RootCommand("Uses a language model's columns as features of a classifier.") { quick };
command.SetAction(Run);
return command.Parse(args).Invoke();

int Run(ParseResult arguments)
{
    bool isQuick = arguments.GetValue(quick);
    var ml = new MLContext(seed: 1);
    ml.Log += (_, e) => Console.Write(e.Kind == Microsoft.ML.Runtime.ChannelMessageKind.Warning ? $"Warning: {e.Message}\n" : "");

    // 1. A language model of the rows' kind of text. LoadPretrained gives one from a folder.
    using ReversibleLmTransformer model = ml.Reversible().LanguageModel(new ReversibleLmTrainer.Options
    {
        LayerCount = 4, HeadCount = 4, Width = 64, ContextLength = 64, VocabularySize = 400, Seed = 1,
        MaxSteps = isQuick ? 60 : 300, LearningRate = 3e-3,
    }).Fit(ml.Data.LoadFromEnumerable(Stories.Make(count: 1000, seed: 1)));

    // 2. Rows with a label: stories, and stories with their words shuffled.
    IDataView rows = ml.Data.LoadFromEnumerable(LabelledRow.Make(isQuick ? 300 : 2000, seed: 2));
    DataOperationsCatalog.TrainTestData split = ml.Data.TrainTestSplit(rows, testFraction: 0.2, seed: 3);

    // 3. The model's columns, all Single, and a trainer that reads its data many times.
    LanguageModelScoringEstimator columns = ml.Reversible().ApplyLanguageModel(model, new LanguageModelScoringEstimator.Options
    {
        TokenCountKind = DataKind.Single,
        EmbeddingColumnName = "Embedding",
    });
    IEstimator<ITransformer> classifier = ml.Transforms.Concatenate("Features", "LogLikelihood", "TokenCount", "Perplexity", "Embedding")
        .Append(ml.Transforms.NormalizeMeanVariance("Features"))
        .Append(ml.BinaryClassification.Trainers.SdcaLogisticRegression());

    // 4. The view that the model makes remembers its rows, so the passes of the trainer evaluate the model once. A cache does the same for
    // data of any size.
    ITransformer fitted = Timed("Fit", () => columns.Append(classifier).Fit(split.TrainSet));
    ITransformer cached = Timed(
        "Fit with AppendCacheCheckpoint", () => columns.AppendCacheCheckpoint(ml).Append(classifier).Fit(split.TrainSet));
    foreach (ITransformer one in new[] { fitted, cached })
        Console.WriteLine($"Accuracy: {ml.BinaryClassification.Evaluate(one.Transform(split.TestSet)).Accuracy:P1}");

    // 5. Cross-validation. The language model is the same in each fold, so its columns are computed before.
    IDataView featurized = ml.Data.Cache(columns.Fit(rows).Transform(rows));
    var folds = Timed("Cross-validation, 5 folds", () => ml.BinaryClassification.CrossValidate(featurized, classifier, numberOfFolds: 5));
    Console.WriteLine($"Accuracy of the folds: {string.Join(", ", folds.Select(fold => $"{fold.Metrics.Accuracy:P1}"))}");

    // 6. A prediction engine. It disposes the chain with itself; the language model stays, because the chain does not own it.
    using (var engine = ml.Model.CreatePredictionEngine<LabelledRow, Prediction>(fitted))
    {
        Show("Once upon a time, Mia had a dog and a red ball.");
        Show("red dog time, a had Once ball. upon a a and Mia");

        void Show(string text) => Console.WriteLine($"{engine.Predict(new LabelledRow { Text = text }).Probability:P0} in order: {text}");
    }

    // 7. The whole pipeline as one zip, with the language model in it.
    string path = Path.Combine(Path.GetTempPath(), "reversible-pipeline.zip");
    ml.Reversible().Save(cached, rows.Schema, path);
    ITransformer loaded = ml.Reversible().Load(path, out _);
    Console.WriteLine($"Loaded from {path}: {ml.BinaryClassification.Evaluate(loaded.Transform(split.TestSet)).Accuracy:P1}");
    (loaded as IDisposable)?.Dispose();
    return 0;
}

static T Timed<T>(string what, Func<T> run)
{
    var watch = Stopwatch.StartNew();
    T result = run();
    Console.WriteLine($"{what}: {watch.Elapsed.TotalSeconds:F1} s");
    return result;
}
