// Compares two classifiers of happy and sad messages, on the same rows and with the same metrics:
// - ML.NET's TextClassification, a pretrained NAS-BERT that is fine-tuned. Its Fit downloads the pretrained weights and a vocabulary once,
//   about 100 MB.
// - Two small reversible language models trained from scratch, one on the messages of each label. A message gets the label of the model
//   under which it is more likely.
//
//   dotnet run -c Release --project samples/BesideTextClassification
using BesideTextClassification;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Reversible;
using Microsoft.ML.TorchSharp;

var ml = new MLContext(seed: 1);
Message[] training = Messages.Make(count: 1000, seed: 1), testing = Messages.Make(count: 200, seed: 2);
IDataView train = ml.Data.LoadFromEnumerable(training), test = ml.Data.LoadFromEnumerable(testing);

var classification = ml.Transforms.Conversion.MapValueToKey("Label", nameof(Message.Mood))
    .Append(ml.MulticlassClassification.Trainers.TextClassification(
        labelColumnName: "Label", sentence1ColumnName: nameof(Message.Text), maxEpochs: 1));
try
{
    MulticlassClassificationMetrics bert = ml.MulticlassClassification.Evaluate(classification.Fit(train).Transform(test));
    Console.WriteLine($"TextClassification:         accuracy {bert.MicroAccuracy:P1}");
}
catch (Exception e) when (e is HttpRequestException || e.Message.Contains("DownloadFailed"))
{
    string why = e.Message.Split(": DownloadFailed")[0];
    Console.WriteLine($"TextClassification:         its pretrained weights cannot be downloaded here ({why})");
}

var likelihoods = Messages.Moods.ToDictionary(mood => mood, mood => LogLikelihoods(training.Where(m => m.Mood == mood)));
double right = testing.Select((message, row) => Messages.Moods.MaxBy(mood => likelihoods[mood][row]) == message.Mood ? 1.0 : 0.0).Average();
Console.WriteLine($"Reversible language models: accuracy {right:P1}");

// Returns the log-likelihood of every test message under a model trained only on the given messages.
float[] LogLikelihoods(IEnumerable<Message> messages)
{
    using ReversibleLmTransformer model = ml.Reversible()
        .LanguageModel(new ReversibleLmTrainer.Options
        {
            LayerCount = 4,
            HeadCount = 4,
            Width = 64,
            ContextLength = 32,
            Tokenization = TextTokenization.Byte,
            MaxSteps = 200,
            WarmupSteps = 20,
        })
        .Fit(ml.Data.LoadFromEnumerable(messages));
    return [.. model.Transform(test).GetColumn<float>("LogLikelihood")];
}
