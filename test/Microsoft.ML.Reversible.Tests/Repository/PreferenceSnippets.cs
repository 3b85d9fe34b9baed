namespace Microsoft.ML.Reversible.Tests.Repository;

/// <summary>The program of docs/preferences.md. What stands between the markers is compared with the page and run.</summary>
internal static class PreferenceSnippets
{
    public static TrainingProgress Align(string path, string modelFolder, string alignedFolder)
    {
        // <snippet>
        var ml = new MLContext(seed: 1);
        IDataView pairs = ml.Reversible().LoadPreferences(path);                 // JSON lines
        using ReversibleLmTransformer model = ml.Reversible().AlignPreferences(new PreferenceEstimator.Options
        {
            ModelPath = modelFolder,                                             // in Hugging Face's layout
            ChatFormat = ChatFormat.ChatMl,
            LoraRank = 8,                                                        // leave it out to train all weights
            ContextLength = 64,
            MaxEpochs = 2,
        }).Fit(pairs);
        TrainingProgress last = model.Metrics!.History[^1];
        Console.WriteLine($"accuracy {last.ValidationFigures["accuracy"]:F2}, margin {last.ValidationFigures["margin"]:F2}");
        model.SavePretrained(alignedFolder);                                     // the model with the adapter merged into it
        // </snippet>
        return last;
    }
}
