using Microsoft.ML;
using Microsoft.ML.Reversible;
using Quickstart;

namespace Retrofit;

/// <summary>The defaults for a missing folder and text: a residual model that the sample trains, and stories to fine-tune it on.</summary>
internal static class SmallTeacher
{
    /// <summary>Trains the model and saves it.</summary>
    /// <returns>The folder.</returns>
    public static string Train(MLContext ml, IDataView stories, string folder)
    {
        using ReversibleLmTransformer teacher = Output.ShowProgress("training a teacher", progress =>
            ml.Reversible().LanguageModel(new ReversibleLmTrainer.Options
            {
                Scheme = Scheme.Residual,
                LayerCount = 6,
                HeadCount = 4,
                Width = 96,
                ContextLength = 64,
                BatchSize = 16,
                VocabularySize = 400,
                MaxSteps = 300,
                WarmupSteps = 30,
                LearningRate = 2e-3,
                FinalLearningRate = 2e-4,
                Progress = progress,
            }).Fit(stories));
        teacher.SavePretrained(folder);
        return folder;
    }

    /// <summary>Stories about one child and one pet, so that the effect of fine-tuning is visible.</summary>
    public static IDataView StoriesOfMia(MLContext ml) => ml.Data.LoadFromEnumerable(
        Stories.Make(count: 10_000, seed: 2).Where(row => row.Text.Contains("Mia had a rabbit", StringComparison.Ordinal)));
}
