using Microsoft.ML.Reversible.Language;

namespace Microsoft.ML.Reversible;

/// <summary>LoRA adapters.</summary>
public sealed partial class ReversibleLmTransformer
{
    /// <summary>
    /// Whether the model is a base model with a LoRA adapter, from <see cref="LoadAdapter"/> or from fine-tuning with one.
    /// </summary>
    public bool HasAdapter => _model.Network.HasAdapter;

    /// <summary>
    /// Writes the adapter, without its base model, as a folder in PEFT's layout: adapter_config.json and adapter_model.safetensors. The
    /// folder is replaced only when it is complete, so that a failure leaves the old one.
    /// </summary>
    /// <remarks>
    /// PEFT loads the folder onto the same base model. If the layers are run by a scheme other than residual, adapter_config.json has it in
    /// the additional field <c>reversible</c>, which PEFT ignores with a warning.
    /// </remarks>
    /// <param name="folder">The folder to create or replace.</param>
    /// <exception cref="InvalidOperationException">The model has no adapter.</exception>
    /// <exception cref="IOException">
    /// The folder cannot be written, for example because the disk is full, or it contains files that do not belong to an adapter.
    /// </exception>
    /// <exception cref="UnauthorizedAccessException">Writing the folder is not permitted.</exception>
    /// <exception cref="ObjectDisposedException">The model has been disposed.</exception>
    public void SaveAdapter(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        AdapterFolder.Save(Adapted("SavePretrained writes the whole model.").Network, folder);
    }

    /// <summary>Loads an adapter onto this model, from a folder in PEFT's layout.</summary>
    /// <remarks>
    /// This model stays as it is. Several adapters can be loaded onto one model, and all of them can be used at once, from several threads.
    /// The models share the base's weights in memory, which are freed with the last model that uses them, in whatever order they are
    /// disposed.
    /// </remarks>
    /// <param name="folder">
    /// A folder with adapter_config.json and adapter_model.safetensors, from <see cref="SaveAdapter"/> or PEFT.
    /// </param>
    /// <returns>A transformer with this model's tokenizer and columns; dispose it to free the adapter.</returns>
    /// <exception cref="IOException">The folder or one of its files does not exist or cannot be read.</exception>
    /// <exception cref="InvalidDataException">
    /// The folder does not hold a LoRA adapter of this model, is damaged, or needs what is not supported; the message says what.
    /// </exception>
    /// <exception cref="InvalidOperationException">This model has an adapter already.</exception>
    /// <exception cref="ObjectDisposedException">The model has been disposed.</exception>
    public ReversibleLmTransformer LoadAdapter(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        return new(_context, Live.With(AdapterFolder.Load(folder, Live.Network)), _columns);
    }

    /// <summary>Makes a model without an adapter, whose matrices are W + s B A.</summary>
    /// <remarks>
    /// The sums are computed in float32 and rounded once to the number type of the base's weights. <see cref="SavePretrained"/>,
    /// <see cref="SaveGguf"/> and <c>mlContext.Reversible().Save</c> write the merged model in any case, with sums that are rounded once to
    /// the number type of the file.
    /// </remarks>
    /// <returns>A transformer with weights of its own; dispose it to free them. This model stays as it is.</returns>
    /// <exception cref="InvalidOperationException">The model has no adapter.</exception>
    /// <exception cref="ObjectDisposedException">The model has been disposed.</exception>
    public ReversibleLmTransformer MergeAdapter()
    {
        LanguageModel model = Adapted("There is nothing to merge.");
        return new(_context, model.With(model.Network.Merge()), _columns, Metrics, Retrofit) { FineTuning = FineTuning };
    }

    private LanguageModel Adapted(string otherwise) =>
        Live.Network.HasAdapter ? Live : throw new InvalidOperationException($"The model has no adapter. {otherwise}");
}
