namespace Microsoft.ML.Reversible.Tests.Repository;

/// <summary>The programs of docs/lora.md. What stands between the markers is compared with the page and run.</summary>
internal static class AdapterSnippets
{
    public static void Several(MLContext ml, string folder, string formalFolder, string briefFolder)
    {
        // <snippet>
        using ReversibleLmTransformer model = ml.Reversible().LoadPretrained(folder);
        using ReversibleLmTransformer formal = model.LoadAdapter(formalFolder);
        using ReversibleLmTransformer brief = model.LoadAdapter(briefFolder);
        foreach (ReversibleLmTransformer one in (ReversibleLmTransformer[])[model, formal, brief])
            Console.WriteLine(one.Generate("the red", maxTokens: 20, temperature: 0));
        // </snippet>
    }

    public static void Save(ReversibleLmTransformer adapted, string adapterFolder, string mergedFolder)
    {
        // <snippet>
        adapted.SaveAdapter(adapterFolder);
        adapted.SavePretrained(mergedFolder);
        using ReversibleLmTransformer merged = adapted.MergeAdapter();
        Console.WriteLine(merged.Generate("the red", maxTokens: 20, temperature: 0));
        // </snippet>
    }
}
