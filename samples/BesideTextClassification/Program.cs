// Two ways to tell happy messages from sad ones, on the same rows and with the same metrics:
// ML.NET's TextClassification (a pretrained NAS-BERT, fine-tuned; Fit downloads its weights), and two small reversible language models
// trained from nothing, one on the messages of each label: a message gets the label of the model that finds it likelier.
//
// Fit of the first downloads the pretrained weights and a vocabulary, some 100 MB, once.
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

// The log-likelihood of every test message under a model that has read only these.
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
