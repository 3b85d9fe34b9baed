using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.Tests.Repository;

/// <summary>The programs of docs/fine-tuning.md. What stands between the markers is compared with the page and run.</summary>
internal static class FineTuningSnippets
{
    internal sealed class Question
    {
        [LoadColumn(0)]
        public string Prompt { get; set; } = "";

        [LoadColumn(1)]
        public string Answer { get; set; } = "";
    }

    internal sealed class Score
    {
        public int TokenCount { get; set; }

        public float Perplexity { get; set; }
    }

    public static (IDataView Chats, FineTuneReport Report) FineTune(string path, string modelFolder, string mergedFolder)
    {
        // <snippet>
        var ml = new MLContext(seed: 1);
        IDataView chats = ml.Reversible().LoadConversations(path);           // JSON lines
        using ReversibleLmTransformer model = ml.Reversible().FineTune(new FineTuneEstimator.Options
        {
            ModelPath = modelFolder,                                         // in Hugging Face's layout
            ChatFormat = ChatFormat.ChatMl,
            LoraRank = 8,                                                    // leave it out to train all weights
            ContextLength = 64,
            MaxEpochs = 3,
        }).Fit(chats);
        Console.WriteLine(model.FineTuning);                                 // what was trained on
        Console.WriteLine($"held-out perplexity {model.Metrics!.ValidationPerplexity:F1}");
        model.SavePretrained(mergedFolder);                                  // the model with the adapter merged into it
        // </snippet>
        return (chats, model.FineTuning!);
    }

    public static (IDataView Own, IDataView Table, FineTuneEstimator.Options Options) Data(
        MLContext ml, ReversibleLmTransformer model, string csv)
    {
        // <snippet>
        IDataView own = ml.Data.LoadFromEnumerable(new[]
        {
            new ConversationRow { Roles = ["user", "assistant"], Texts = ["Who are you?", "A model."] },
            new ConversationRow { Roles = ["user", "assistant", "user", "assistant"], Texts = ["Hi", "Hello", "Bye", "Goodbye"] },
        });
        IDataView table = ml.Data.LoadFromTextFile<Question>(csv, separatorChar: ';', hasHeader: true);
        var options = new FineTuneEstimator.Options
        {
            Model = model, ChatFormat = ChatFormat.ChatMl, ContextLength = 64, MaxSteps = 5, ValidationFraction = 0.3,
            PromptColumnName = "Prompt", ResponseColumnName = "Answer", SystemPrompt = "Answer in one word.",
        };
        // </snippet>
        return (own, table, options);
    }

    public static void Transform(MLContext ml, ReversibleLmTransformer model, IDataView chats, string zip)
    {
        // <snippet>
        foreach (Score score in ml.Data.CreateEnumerable<Score>(model.Transform(chats), reuseRowObject: true))
            Console.WriteLine($"{score.TokenCount} tokens, perplexity {score.Perplexity:F2}");
        ml.Reversible().Save(model, chats.Schema, zip);
        // </snippet>
    }

    public static string Adapters(ReversibleLmTransformer model, ReversibleLmTransformer other, string adapterFolder)
    {
        // <snippet>
        model.SaveAdapter(adapterFolder);                                    // adapter_config.json and adapter_model.safetensors, as PEFT's
        using ReversibleLmTransformer again = other.LoadAdapter(adapterFolder);
        using ReversibleLmTransformer whole = again.MergeAdapter();          // weights of its own
        // </snippet>
        return whole.Generate("the red", maxTokens: 5, temperature: 0);
    }
}
