namespace BinaryAttention.Models.Training.Runs;

/// <summary>
/// The files of a training run: <c>config.json</c> (the whole configuration), <c>inputs.json</c> (hashes of what it reads), <c>log.jsonl</c> (one JSON object a line), <c>checkpoints/</c> (to continue from), <c>model.safetensors</c> (the
/// chosen weights, an ordinary checkpoint), <c>result.json</c> (written when the run has ended) and <c>run.lock</c> (empty, held by the process that trains).
/// </summary>
/// <param name="Folder">The run's folder.</param>
public sealed record RunFolder(string Folder)
{
    /// <summary>The configuration as the run uses it.</summary>
    public string ConfigurationPath => Path.Combine(Folder, "config.json");

    /// <summary>The log.</summary>
    public string LogPath => Path.Combine(Folder, "log.jsonl");

    /// <summary>Where checkpoints lie.</summary>
    public string CheckpointsFolder => Path.Combine(Folder, "checkpoints");

    /// <summary>The chosen weights.</summary>
    public string ModelPath => Path.Combine(Folder, "model.safetensors");

    /// <summary>What the run came to.</summary>
    public string ResultPath => Path.Combine(Folder, "result.json");

    /// <summary>Hashes of what the run reads.</summary>
    internal string InputsPath => Path.Combine(Folder, "inputs.json");

    /// <summary>What the process that trains holds open.</summary>
    internal string LockPath => Path.Combine(Folder, "run.lock");

    /// <summary>Whether the folder holds a run.</summary>
    public bool Exists => File.Exists(ConfigurationPath);

    /// <summary>Whether the run came to its end.</summary>
    public bool IsFinished => File.Exists(ResultPath);
}
