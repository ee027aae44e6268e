"""The pages from which the routes of files, sharing and team folders were written."""

HTTP = "https://www.dropbox.com/developers/documentation/http/"
GUIDES = "https://developers.dropbox.com/"
SOURCES = {
    "list-folder": f"{HTTP}documentation#files-list_folder",
    "longpoll": f"{HTTP}documentation#files-list_folder-longpoll",
    "get-metadata": f"{HTTP}documentation#files-get_metadata",
    "list-revisions": f"{HTTP}documentation#files-list_revisions",
    "download": f"{HTTP}documentation#files-download",
    "export": f"{HTTP}documentation#files-export",
    "temporary-link": f"{HTTP}documentation#files-get_temporary_link",
    "upload": f"{HTTP}documentation#files-upload",
    "paper": f"{HTTP}documentation#files-paper-create",
    "upload-session": f"{HTTP}documentation#files-upload_session-start",
    "create-folder": f"{HTTP}documentation#files-create_folder",
    "move": f"{HTTP}documentation#files-move",
    "copy": f"{HTTP}documentation#files-copy",
    "delete": f"{HTTP}documentation#files-delete",
    "permanently-delete": f"{HTTP}documentation#files-permanently_delete",
    "restore": f"{HTTP}documentation#files-restore",
    "shared-folders": f"{HTTP}documentation#sharing-list_folders",
    "share-folder": f"{HTTP}documentation#sharing-share_folder",
    "mount": f"{HTTP}documentation#sharing-mount_folder",
    "unshare": f"{HTTP}documentation#sharing-unshare_folder",
    "folder-members": f"{HTTP}documentation#sharing-list_folder_members",
    "shared-links": f"{HTTP}documentation#sharing-create_shared_link_with_settings",
    "file-members": f"{HTTP}documentation#sharing-list_file_members",
    "received-files": f"{HTTP}documentation#sharing-list_received_files",
    "space-usage": f"{HTTP}documentation#users-get_space_usage",
    "team-folder": f"{HTTP}teams#team-team_folder-list",
    "namespaces": f"{HTTP}teams#team-namespaces-list",
}
