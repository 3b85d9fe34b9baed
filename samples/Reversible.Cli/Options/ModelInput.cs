using System.CommandLine;

namespace Microsoft.ML.Reversible.Cli.Options;

/// <summary>The options that name a saved model and say where it computes.</summary>
internal sealed class ModelInput
{
    private readonly Option<string> _folder = new("--model")
    {
        Description = "A folder in Hugging Face's layout: config.json, weights as safetensors, tokenizer files; 'train' writes one.",
        HelpName = "FOLDER",
        Required = true,
    };

    private readonly Option<string?> _device = new("--device")
    {
        Description = "Where to compute: cpu, cuda, or cuda:1 for the second GPU and so on. Default: cpu.",
        HelpName = "cpu|cuda|cuda:N",
    };

    private readonly Option<Precision> _precision = new("--precision")
    {
        Description = "The number type in which the blocks compute. Default: float32.",
        HelpName = OptionValue.Placeholder(typeof(Precision)),
        CustomParser = OptionValue.Parse<Precision>,
    };

    /// <summary>The options.</summary>
    public IReadOnlyList<Option> Options => [_folder, _device, _precision];

    /// <summary>Loads the model.</summary>
    public ReversibleLmTransformer Load(MLContext ml, ParseResult parsed) =>
        ml.Reversible().LoadPretrained(parsed.GetValue(_folder)!, device: parsed.GetValue(_device), precision: parsed.GetValue(_precision));
}
