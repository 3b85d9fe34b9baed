using Microsoft.ML;
using Microsoft.ML.Reversible;
using Quickstart;

namespace Retrofit;

/// <summary>What the sample does without a folder and a text: a residual model that it trains, and stories that are new to it.</summary>
internal static class SmallTeacher
{
    /// <summary>Trains the model and writes it.</summary>
    /// <returns>The folder.</returns>
    public static string Train(MLContext ml, IDataView stories, string folder)
    {
        using ReversibleLmTransformer teacher = Screen.ShowProgress("training a teacher", progress =>
            ml.Reversible().LanguageModel(new ReversibleLmTrainer.Options
            {
                Scheme = Scheme.Residual,
                LayerCount = 6,
                HeadCount = 4,
                Width = 96,
                ContextLength = 64,
                BatchSize = 16,
                VocabularySize = 400,
                MaxSteps = 400,
                WarmupSteps = 40,
                LearningRate = 2e-3,
                FinalLearningRate = 2e-4,
                Progress = progress,
            }).Fit(stories));
        teacher.SavePretrained(folder);
        return folder;
    }

    /// <summary>Stories of a child that the teacher has never heard of.</summary>
    public static IDataView NewStories(MLContext ml) => ml.Data.LoadFromEnumerable(
        Stories.Make(count: 500, seed: 2).Select(row => new TextRow { Text = row.Text.Replace("Mia", "Zoe").Replace("Lily", "Zoe") }));
}
