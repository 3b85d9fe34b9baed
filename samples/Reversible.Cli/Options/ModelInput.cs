using System.CommandLine;

namespace Microsoft.ML.Reversible.Cli.Options;

/// <summary>The options that select a saved model, its device and its precision.</summary>
internal sealed class ModelInput
{
    private readonly Option<string> _folder = new("--model")
    {
        Description = "A folder in Hugging Face's layout: config.json, weights as safetensors, tokenizer files; 'train' writes one.",
        HelpName = "FOLDER",
        Required = true,
    };

    private readonly Option<string?> _adapter = new("--adapter")
    {
        Description = "A folder in PEFT's layout with a LoRA adapter of the model: adapter_config.json, adapter_model.safetensors.",
        HelpName = "FOLDER",
    };

    private readonly Option<string?> _tokenizer = new("--tokenizer")
    {
        Description = "A folder with tokenizer files, or one such file. Default: the model's folder.",
        HelpName = "PATH",
    };

    private readonly Option<string?> _device = new("--device")
    {
        Description = "The device: cpu, cuda, or cuda:1 for the second GPU and so on. Default: cpu.",
        HelpName = "cpu|cuda|cuda:N",
    };

    private readonly Option<Precision> _precision = new("--precision")
    {
        Description = "The number type in which the blocks compute. Default: float32.",
        HelpName = OptionValue.Placeholder(typeof(Precision)),
        CustomParser = OptionValue.Parse<Precision>,
    };

    /// <summary>The options.</summary>
    public IReadOnlyList<Option> Options => [.. FolderOptions, _device, _precision];

    /// <summary>The options without device and precision, for verbs that compute nothing.</summary>
    public IReadOnlyList<Option> FolderOptions => [_folder, _adapter, _tokenizer];

    /// <summary>Loads the model.</summary>
    /// <exception cref="UsageException">There is no such folder, or the model has no tokenizer.</exception>
    public ReversibleLmTransformer Load(MLContext ml, ParseResult parsed) =>
        Load(ml, parsed, parsed.GetValue(_device), parsed.GetValue(_precision));

    /// <summary>Loads the model in full precision, for a verb with <see cref="FolderOptions"/> alone.</summary>
    /// <inheritdoc cref="Load(MLContext, ParseResult)"/>
    public ReversibleLmTransformer LoadOnCpu(MLContext ml, ParseResult parsed) => Load(ml, parsed, "cpu", Precision.Float32);

    private ReversibleLmTransformer Load(MLContext ml, ParseResult parsed, string? device, Precision precision)
    {
        string folder = parsed.GetValue(_folder)!;
        ModelFolder.Check(_folder.Name, folder);
        string? adapter = parsed.GetValue(_adapter);
        ModelFolder.Check(_adapter.Name, adapter, "the adapter's adapter_config.json");
        ReversibleLmTransformer model = ml.Reversible().LoadPretrained(
            folder, device: device, precision: precision, tokenizerPath: parsed.GetValue(_tokenizer));
        if (adapter is not null)
        {
            // The adapted model keeps the base's weights alive.
            using ReversibleLmTransformer withoutAdapter = model;
            model = withoutAdapter.LoadAdapter(adapter);
        }
        if (model.Model.HasTokenizer) return model;
        model.Dispose();
        throw new UsageException($"The folder '{folder}' has no tokenizer files; --tokenizer names them.");
    }
}
